import { readFile, stat } from 'node:fs/promises'
import { type Catalogue, semver } from '@soma/registry/contract'
import * as z from 'zod'
import { UsageError } from '../failure.ts'
import { parseValue } from '../read-value.ts'
import { readDirectoryFiles, schemasOfFiles } from './schema-files.ts'
import { listGit, readGit } from './git.ts'
import { readServerCatalogue } from './server-catalogue.ts'

/**
 * The events and schemas of a place: an installation (`https://…`), a git state (`main:schemas/events`, `v1.2.0:catalogue.json`), a folder of
 * `<type>.v<major>.json` files, or a file with `{ events, schemas }`, such as the answer of this function.
 */
export async function readCatalogue(place: string): Promise<Catalogue> {
  if (/^https?:\/\//.test(place)) return readServerCatalogue(place)
  const kind = await stat(place).catch(() => undefined)
  if (kind?.isDirectory() === true) return schemasOfFiles(await readDirectoryFiles(place))
  if (kind !== undefined) return parseCatalogue(await readFile(place, 'utf8'), place)
  const colon = place.indexOf(':')
  if (colon < 1) throw new UsageError(`${place} is no file, folder, URL or git state such as main:schemas/events`)
  return readGitCatalogue(place.slice(0, colon), place.slice(colon + 1))
}

async function readGitCatalogue(reference: string, path: string): Promise<Catalogue> {
  if (path.endsWith('.json')) return parseCatalogue(await readGit(reference, path), `${reference}:${path}`)
  const names = await listGit(reference, path)
  const files = names.map(async (name) => ({
    name: name.slice(name.lastIndexOf('/') + 1),
    place: `${reference}:${name}`,
    text: await readGit(reference, name),
  }))
  return schemasOfFiles(await Promise.all(files))
}

const jsonSchema = z.union([z.boolean(), z.record(z.string(), z.unknown())])
const kind = z.enum(['request', 'reply', 'fact'])
const catalogue = z.object({
  events: z.array(
    z.object({
      topic: z.string(),
      type: z.string(),
      version: semver,
      kind,
      jsonSchema,
      responseType: z.string().optional(),
      responseTopic: z.string().optional(),
      responseSchema: z.unknown().optional(),
    }),
  ),
  schemas: z.array(z.object({ name: z.string(), version: semver, kind: kind.optional(), jsonSchema })),
})

async function parseCatalogue(text: string, place: string): Promise<Catalogue> {
  const parsed = catalogue.safeParse(await parseValue(text, place))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new UsageError(`${place} holds no events and schemas: /${issue?.path.join('/')} ${issue?.message}`)
}
