import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, relative } from 'node:path'
import { UsageError } from '../failure.ts'

/** Where the code of an entry runs, or why it does not compile, in the compiler's words. */
export type Compiled = { readonly files: readonly string[] } | { readonly errors: string }
export type Compile = (generation: number) => Promise<Compiled>

/** TypeScript of the project's own version. Types are for the editor and `npm test`: here only what cannot run is refused, so a reload stays far below a second. */
const FLAGS = [
  ...['--noCheck', '--noEmit', 'false', '--composite', 'false', '--incremental', 'false', '--declaration', 'false'],
  ...['--sourceMap', '--pretty', 'false'],
]
const OUTPUT = { '.ts': '.js', '.mts': '.mjs' } as const

/**
 * Compiles the TypeScript of a project into a folder a generation, so that code which ran before can be run again. JavaScript runs where it is. @throws UsageError when
 * something that compiling needs is missing
 */
export function createCompile(project: string, entries: readonly string[], output: string): Compile {
  if (entries.every((entry) => !isTypeScript(entry))) return async () => ({ files: entries })
  const compiler = compilerOf(project)
  const config = join(project, 'tsconfig.json')
  if (!existsSync(config)) throw new UsageError(`${config} is missing: TypeScript needs it`)
  return async (generation) => {
    const folder = join(output, String(generation))
    const words = [compiler, '-p', config, ...FLAGS, '--rootDir', project, '--outDir', folder]
    const errors = await refusalOf(words, project)
    if (errors !== undefined) return { errors }
    const files = entries.map((entry) => (isTypeScript(entry) ? placeOf(relative(project, entry), folder) : entry))
    const missing = files.find((file) => !existsSync(file))
    return missing === undefined ? { files } : { errors: `tsconfig.json leaves out an agent: ${missing} was not made` }
  }
}

const isTypeScript = (path: string): path is `${string}${keyof typeof OUTPUT}` => extname(path) in OUTPUT

const placeOf = (path: string, folder: string): string => {
  const kind = extname(path) as keyof typeof OUTPUT
  return join(folder, path.slice(0, -kind.length) + OUTPUT[kind])
}

function compilerOf(project: string): string {
  try {
    const manifest = createRequire(join(project, 'package.json')).resolve('typescript/package.json')
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { tsc: string } }
    return join(dirname(manifest), bin.tsc)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    throw new UsageError(`${project} has no TypeScript: npm install`, { cause: error })
  }
}

/** What the compiler says against the code; undefined when it has nothing to say. */
const refusalOf = (words: readonly string[], cwd: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile(process.execPath, words, { cwd }, (error, stdout, stderr) => {
      resolve(error === null ? undefined : `${stdout}${stderr}`.trim() || error.message)
    })
  })
