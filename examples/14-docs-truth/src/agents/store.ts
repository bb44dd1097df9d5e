import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, createBundleReader } from '../engine.ts'

/**
 * What the agents hand to one another beside events: packed folders and results, named by the sha256 of their bytes. It stands where the artifacts of the plans
 * module will: whole or not at all, the same bytes once.
 */
export interface DocsStore {
  readonly directory: string
  bundle(digest: string): Bundle
  /** Keeps text; answers its digest. */
  put(text: string): string
  get(digest: string): string
  putJson(value: unknown): string
  getJson<Value>(digest: string): Value
}

export function createDocsStore(directory: string): DocsStore {
  const place = (digest: string) => join(directory, digest)
  const put = (text: string): string => {
    const digest = createHash('sha256').update(text).digest('hex')
    if (existsSync(place(digest))) return digest
    mkdirSync(directory, { recursive: true })
    const temporary = `${place(digest)}.${process.pid}.tmp`
    writeFileSync(temporary, text, { mode: 0o600, flush: true })
    renameSync(temporary, place(digest))
    return digest
  }
  const get = (digest: string): string => readFileSync(place(digest), 'utf8')
  return {
    directory,
    bundle: createBundleReader(directory),
    put,
    get,
    putJson: (value) => put(JSON.stringify(value)),
    getJson: (digest) => JSON.parse(get(digest)),
  }
}
