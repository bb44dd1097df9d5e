import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'fixtures', 'coverage', '.git', '.soma', '.tools'])

/** Every file under `folder` of `root`, as paths from `root` with forward slashes, sorted; builds and fixtures are left out. */
export function listFiles(root: string, folder = ''): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : listFiles(root, path)
      return entry.isFile() ? [path] : []
    })
    .sort()
}

export function isTest(path: string): boolean {
  return /\.test(-d)?\.ts$/.test(path)
}

export function isTypeScript(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.d.ts')
}
