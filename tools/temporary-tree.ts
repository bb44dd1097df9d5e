import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository that these scripts belong to. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

const ROOT_FILES = [
  '.oxlintrc.json',
  'biome.json',
  'package.json',
  'tsconfig.base.json',
  'tsconfig.check.json',
  'tsconfig.json',
  'sdk/typescript/lint/index.js',
]

export interface TemporaryTree {
  readonly root: string
  /** Writes files by their path from the root, folders included. */
  write(files: Readonly<Record<string, string>>): void
  remove(): void
}

/** A tree with the root configuration of this repository and its installed packages, and nothing else, for a check to be tried on. */
export function createTemporaryTree(files: Readonly<Record<string, string>> = {}): TemporaryTree {
  const root = mkdtempSync(join(tmpdir(), 'soma-house-'))
  for (const file of ROOT_FILES) cpSync(join(REPOSITORY, file), join(root, file), { recursive: true })
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
  const write: TemporaryTree['write'] = (written) => {
    for (const [path, text] of Object.entries(written)) {
      mkdirSync(join(root, dirname(path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
  }
  write(files)
  return { root, write, remove: () => rmSync(root, { recursive: true, force: true }) }
}
