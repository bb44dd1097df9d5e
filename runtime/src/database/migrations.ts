import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Migration } from '@soma/kernel'

/** Reads the numbered SQL files of a folder in order. `set` names their owner (`runtime`, `plans`). */
export async function readMigrations(set: string, folder: URL): Promise<Migration[]> {
  const path = fileURLToPath(folder)
  const names = (await readdir(path)).filter((name) => /^\d{4}_[a-z0-9_-]+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => ({ id: `${set}/${name.slice(0, -4)}`, sql: await readFile(join(path, name), 'utf8') })),
  )
}
