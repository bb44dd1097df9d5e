/** `npm run new:module <name> [--noun <noun>]`: writes a module that passes every check, to be changed from there. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { moduleFiles } from './new-module/templates.ts'
import { wordsOf } from './new-module/words.ts'
import { writeProjects } from './tsconfig.ts'
import { type Manifest, readJson } from './workspaces.ts'

/** Answers the new folder. @throws Error when it exists or a word is not kebab-case. */
export function createModuleFolder(root: string, name: string, noun: string): string {
  const folder = `modules/${name}`
  const words = wordsOf(name, noun)
  if (existsSync(join(root, folder))) throw new Error(`${folder} exists already`)
  const kernel = readJson<Manifest & { version: string }>(join(root, 'kernel/package.json'))
  const versions = { kernelVersion: kernel.version, zodVersion: kernel.dependencies?.zod ?? '' }
  for (const [path, text] of Object.entries(moduleFiles(words, versions))) {
    mkdirSync(dirname(join(root, folder, path)), { recursive: true })
    writeFileSync(join(root, folder, path), text)
  }
  spawnSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', folder], { cwd: root })
  writeProjects(root)
  return folder
}

function run(): void {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { noun: { type: 'string', default: 'record' } },
  })
  const [name] = positionals
  if (name === undefined) throw new Error('name the module: npm run new:module weather -- --noun forecast')
  const folder = createModuleFolder(process.cwd(), name, values.noun)
  console.log(`${folder} is written. Next:
  npm install                      links @soma/${name}
  npx vitest run ${folder}
  bind it in apps/server, write its page in docs/spec, and take its id prefix into docs/spec/README.md`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    run()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
