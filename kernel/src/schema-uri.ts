const BASE = 'soma:/v1/registry/schemas/'
/** Without the scheme too: events of earlier versions carry the bare path. */
const SCHEMA_URI = /^(?:soma:)?\/v1\/registry\/schemas\/([^/]+)\/versions\/([^/]+)$/

/** How `dataschema` and `responseschema` name a registered schema: absolute, as CloudEvents 1.0 asks; after `soma:` stands the path at which the registry answers it. */
export const schemaUri = (name: string, version: string): string => `${BASE}${name}/versions/${version}`

/** `dataschema` of an event whose type nobody registered, accepted all the same. */
export const UNKNOWN_SCHEMA_URI = `${BASE}unknown`

/** Name and version of a registered schema; undefined for any other URI. */
export function readSchemaUri(uri: string | undefined): { name: string; version: string } | undefined {
  const [, name, version] = SCHEMA_URI.exec(uri ?? '') ?? []
  return name === undefined || version === undefined ? undefined : { name, version }
}
