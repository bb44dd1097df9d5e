import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalogue, SchemaPromise } from '@soma/registry/contract'
import { UsageError } from '../failure.ts'
import { parseValue } from '../read-value.ts'

interface SchemaFile {
  readonly name: string
  /** As it is called in messages. */
  readonly place: string
  readonly text: string
}

const FILE_NAME = /^(?<type>[a-z0-9][a-z0-9.-]*)\.v(?<major>\d+)\.json$/
const KINDS = ['request', 'reply', 'fact'] as const

/** The files of a folder, without what lies deeper. */
export async function readDirectoryFiles(folder: string): Promise<SchemaFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const place = join(folder, name)
      return { name, place, text: await readFile(place, 'utf8') }
    }),
  )
}

/** One schema a type and major version, named `<type>.v<major>`; its version is the last part of its `$id`, its kind may stand in `x-kind`. */
export async function schemasOfFiles(files: readonly SchemaFile[]): Promise<Catalogue> {
  return { events: [], schemas: await Promise.all(files.map(schemaOf)) }
}

async function schemaOf({ name, place, text }: SchemaFile): Promise<SchemaPromise> {
  const { type, major } = FILE_NAME.exec(name)?.groups ?? {}
  if (type === undefined)
    throw new UsageError(`${place} is not named <type>.v<major>.json, such as order.placed.v1.json`)
  const { 'x-kind': said, ...jsonSchema } = ((await parseValue(text, place)) ?? {}) as Record<string, unknown>
  const version = /(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)(?:\.json)?$/.exec(String(jsonSchema.$id))?.[1]
  if (version === undefined || version.split('.')[0] !== major)
    throw new UsageError(`${place} needs an "$id" that ends with its version, such as ${type}/${major}.0.0`)
  const kind = KINDS.find((one) => one === said)
  return { name: `${type}.v${major}`, version, jsonSchema, ...(kind === undefined ? {} : { kind }) }
}
