import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Migration } from '@soma/kernel'

const root = fileURLToPath(new URL('../../', import.meta.url))

function foldersOf(parent: string): string[] {
  return readdirSync(join(root, parent))
    .toSorted()
    .map((name) => `${parent}/${name}`)
}

function readFolder(owner: string): Migration[] {
  const folder = join(root, owner, 'migrations')
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'))
  return files.toSorted().map((file) => ({ id: `${owner}/${file}`, sql: readFileSync(join(folder, file), 'utf8') }))
}

/** Every migration of the tree, found by folder, so that a new module is covered without being named here: spine, adapters, modules. */
export function allMigrations(): Migration[] {
  return ['runtime', ...foldersOf('adapters'), ...foldersOf('modules')].flatMap(readFolder)
}
