import { readSchemaUri } from '@soma/kernel'

/** A registered schema, or with a fragment a place in it. */
export interface SchemaReference {
  readonly name: string
  readonly version: string
  /** What stands behind `#`: nothing, a JSON Pointer or an `$anchor`. */
  readonly fragment: string
}

const SHORT = /^([A-Za-z0-9][A-Za-z0-9._-]*)@(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/

/** Which registered schema a `$ref` means: `money@1.0.0`, or its URI as in `dataschema`; either with a fragment. */
export function readReference(reference: unknown): SchemaReference | undefined {
  if (typeof reference !== 'string') return undefined
  const [address = '', ...rest] = reference.split('#')
  const [, name, version] = SHORT.exec(address) ?? []
  const named = name === undefined || version === undefined ? readSchemaUri(address) : { name, version }
  return named === undefined ? undefined : { ...named, fragment: rest.join('#') }
}

export const addressOf = ({ name, version }: { name: string; version: string }): string => `${name}@${version}`
