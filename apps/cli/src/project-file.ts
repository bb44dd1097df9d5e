import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { UsageError } from './failure.ts'
import { parseValue } from './read-value.ts'

const FILE = 'soma.yaml'
/** Where `soma new` writes the process of an agent. */
const DEFAULT_AGENTS = ['src/main.ts', 'src/main.js']

interface ProjectFile {
  readonly server?: Record<string, unknown>
  readonly agents?: unknown
}

/** `soma.yaml` of the current folder; empty when there is no such file. @throws UsageError naming line and column of what cannot be read */
async function readProjectFile(): Promise<ProjectFile> {
  const text = await readFile(FILE, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new UsageError(`${FILE} cannot be read (${error.code})`, { cause: error })
  })
  return ((text === '' ? {} : await parseValue(text, FILE)) as ProjectFile | null) ?? {}
}

export const readServerSettings = async (): Promise<Record<string, unknown>> => (await readProjectFile()).server ?? {}

/** The files of this folder that run agents: `agents` of `soma.yaml`, else the one that `soma new` writes. @throws UsageError when there is none */
export async function readAgentFiles(): Promise<string[]> {
  const { agents } = await readProjectFile()
  if (agents === undefined) {
    const found = DEFAULT_AGENTS.find((path) => existsSync(path))
    if (found !== undefined) return [resolve(found)]
    const remedy = '`soma new worker my-worker` writes a project, `agents` in soma.yaml names other files'
    throw new UsageError(`there is no agent here (${DEFAULT_AGENTS.join(', ')}): ${remedy}`)
  }
  if (!Array.isArray(agents) || agents.length === 0 || agents.some((path) => typeof path !== 'string'))
    throw new UsageError(`agents in ${FILE} must be a list of files: [src/main.ts]`)
  const missing = (agents as string[]).filter((path) => !existsSync(path))
  if (missing.length > 0) throw new UsageError(`agents in ${FILE} names what is not there: ${missing.join(', ')}`)
  return (agents as string[]).map((path) => resolve(path))
}
