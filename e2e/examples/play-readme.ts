import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Clients, createClients } from '@soma/sdk/clients'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
const PATIENCE_MS = 60_000

/** A command of a README's `console` blocks with what it is said to print; `isAgent` for one that goes on (`… &`). */
export interface Step {
  readonly command: string
  readonly isAgent: boolean
  readonly expected: string
}

export interface Played extends Step {
  readonly printed: string
}

const readmePath = (example: string): string => join(REPOSITORY, 'examples', example, 'README.md')
const readmeOf = (example: string): string => readFileSync(readmePath(example), 'utf8')

/** The examples whose README shows commands with what they print, in the order of the path. */
export const playableExamples = (): string[] =>
  readdirSync(join(REPOSITORY, 'examples'))
    .filter((name) => existsSync(readmePath(name)) && stepsOf(readmeOf(name)).length > 0)
    .toSorted()

/** The commands that a README shows, in its order. */
export function stepsOf(readme: string): Step[] {
  const blocks = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block]) => block as string)
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((text) => {
      const [line = '', ...output] = text.trimEnd().split('\n')
      return { command: line.replace(/ &$/, ''), isAgent: line.endsWith(' &'), expected: plain(output.join('\n')) }
    })
}

/** Cells are aligned for people and separated by tabs for pipes; a table's head is for people alone. */
const plain = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '' && line !== 'field value')
    .join('\n')

export interface PlayOptions {
  readonly url: string
  readonly show: (text: string) => void
  /** Of the agents. Python needs `soma` on its path. Default TypeScript. */
  readonly language?: 'python'
  /** What commands and agents prove themselves with. Default: nothing, as a developer's own server lets in. */
  readonly apiKey?: string
  /** Ends what was begun. */
  readonly signal?: AbortSignal
}

/** Does what the README of an example says, as a newcomer would, against a server: agents side by side, each command when the agents before it are there. */
export async function playReadme(
  example: string,
  { url, show, language, apiKey, signal }: PlayOptions,
): Promise<Played[]> {
  const shims = mkdtempSync(join(tmpdir(), 'soma-example-'))
  const credential = apiKey === undefined ? {} : { SOMA_API_KEY: apiKey }
  const environment = {
    ...inherited(),
    ...credential,
    SOMA_URL: url,
    PATH: `${programs(shims)}${delimiter}${process.env.PATH}`,
  }
  const agents: ChildProcess[] = []
  const awaited: string[] = []
  const clients = createClients({ url, ...(apiKey !== undefined && { auth: { apiKey } }) })
  const played: Played[] = []
  try {
    for (const step of stepsOf(readmeOf(example))) {
      signal?.throwIfAborted()
      const command = step.isAgent && language === 'python' ? inPython(example, step.command) : step.command
      show(`$ ${command}${step.isAgent ? ' &' : ''}`)
      if (step.isAgent) {
        agents.push(begin(command, environment, 'ignore'))
        awaited.push(agentOf(step.command))
        continue
      }
      await Promise.all(awaited.splice(0).map((name) => untilGroup(clients, name, signal)))
      const running = begin(command, environment, 'pipe')
      signal?.addEventListener('abort', () => void end(running), { once: true })
      const printed = await outputOf(running)
      show(printed.trimEnd())
      played.push({ ...step, printed: plain(printed) })
    }
    return played
  } finally {
    await Promise.all(agents.map(end))
    rmSync(shims, { recursive: true })
  }
}

const inherited = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SOMA|SOORMA|VITEST|NODE_OPTIONS|FORCE_COLOR)/.test(name)),
  )

/** `npx soma` as the source says it, whatever was built. */
function programs(folder: string): string {
  const main = join(REPOSITORY, 'apps/cli/src/main.ts')
  const script = `#!/bin/sh\nshift\nexec "${process.execPath}" --conditions=@soma/source --import tsx "${main}" "$@"\n`
  writeFileSync(join(folder, 'npx'), script)
  chmodSync(join(folder, 'npx'), 0o755)
  return folder
}

/** The agent that `npm run <agent> -w <folder>` starts: scripts are named after their agents. */
const agentOf = (command: string): string => /^npm run (\S+) /.exec(command)?.[1] ?? command

/** The same agent in Python, where the example has it. */
function inPython(example: string, command: string): string {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'examples', example, 'package.json'), 'utf8')) as Scripts
  const script = `${agentOf(command)}:python`
  return Object.hasOwn(scripts, script) ? command.replace(agentOf(command), script) : command
}

interface Scripts {
  readonly scripts: Readonly<Record<string, string>>
}

/** In a process group of its own, so that all of it can be ended. */
const begin = (command: string, env: NodeJS.ProcessEnv, output: 'pipe' | 'ignore'): ChildProcess =>
  spawn('sh', ['-c', command], { cwd: REPOSITORY, env, stdio: ['ignore', output, 'inherit'], detached: true })

async function outputOf({ stdout }: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of stdout?.setEncoding('utf8') ?? []) text += String(chunk)
  return text
}

/** Once its group is there, nothing that is published is lost to an agent. */
async function untilGroup(clients: Clients, name: string, signal: AbortSignal | undefined): Promise<void> {
  for (const endsAt = Date.now() + PATIENCE_MS; Date.now() < endsAt; await setTimeout(50)) {
    signal?.throwIfAborted()
    const { items } = await clients.events.subscriptions.list({ query: { limit: 200 } })
    if (items.some((group) => group.name === name)) return
  }
  throw new Error(`agent ${name} did not start in ${PATIENCE_MS} ms`)
}

/** Ends the processes of an agent and waits until they are gone. */
async function end({ pid }: ChildProcess): Promise<void> {
  const group = -(pid as number)
  if (!signal(group, 'SIGTERM')) return
  for (const endsAt = Date.now() + PATIENCE_MS; Date.now() < endsAt; await setTimeout(50)) {
    if (!signal(group, 0)) return
  }
  signal(group, 'SIGKILL')
}

/** Whether there was somebody to hear it. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
