/** Builds every package into its `dist/`: projects from the imports, then `tsc -b`, then what the code reads at run time. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isTypeScript, listFiles } from './source-files.ts'
import { writeProjects } from './tsconfig.ts'
import { readWorkspaces } from './workspaces.ts'

/** Copies migrations, the page and other files beside the code into `dist/`, at the same place relative to the built code; keeps build state out of packages. */
export function copyAssets(root: string): void {
  for (const { folder } of readWorkspaces(root).filter((workspace) => isBuilt(root, workspace.folder))) {
    writeFileSync(join(root, folder, 'dist/.npmignore'), '*.tsbuildinfo\n')
    for (const path of assetsOf(root, folder)) {
      cpSync(join(root, path), join(root, folder, 'dist', path.slice(folder.length + 1)))
    }
  }
}

const isBuilt = (root: string, folder: string): boolean => existsSync(join(root, folder, 'dist'))

function assetsOf(root: string, folder: string): string[] {
  return ['migrations', 'page', 'src', 'contract', 'testing']
    .flatMap((name) => listFiles(root, `${folder}/${name}`))
    .filter((path) => !isTypeScript(path))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.cwd()
  writeProjects(root)
  const compiler = join(root, 'node_modules/.bin/tsc')
  const { status } = spawnSync(compiler, ['-b', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (status === 0) copyAssets(root)
  process.exitCode = status ?? 1
}
