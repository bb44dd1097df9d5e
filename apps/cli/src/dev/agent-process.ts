import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface AgentProcess {
  readonly file: string
  /** Resolves once it is gone, with what it ended by: an exit code or a signal. */
  readonly ended: Promise<string>
  readonly isEnding: boolean
  /** How long it has run, in ms. */
  ageMs(): number
  /** Asks it to end what it has in hand, and waits until it is gone. */
  drain(): Promise<void>
}

/** The grace of an agent (20 s) and what it takes to hand back what it did not finish (5 s), and some more. */
const DRAIN_MS = 30_000

/** Of a clone, whose packages run from source; tsx is asked for by its place, as the project has none. */
const FROM_SOURCE = import.meta.url.endsWith('.ts')
  ? ['--conditions=@soma/source', '--import', import.meta.resolve('tsx')]
  : []

/** When this process dies, however it does, the platform is gone: there is nobody to hand anything back to. */
const END_WITH_PARENT = `data:text/javascript,${encodeURIComponent(
  "process.once('disconnect', () => process.exit(1)); process.channel?.unref()",
)}`

/** Runs one file that runs agents, on the streams of this process. */
export function startAgentProcess(file: string, environment: Readonly<Record<string, string>>): AgentProcess {
  const words = [...FROM_SOURCE, '--enable-source-maps', '--import', END_WITH_PARENT, file]
  const child = spawn(process.execPath, words, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const startedAt = performance.now()
  let isEnding = false
  const ended = once(child, 'exit').then(([code, signal]) => (code === null ? String(signal) : `code ${code}`))
  return {
    file,
    ended,
    get isEnding() {
      return isEnding
    },
    ageMs: () => performance.now() - startedAt,
    drain: async () => {
      isEnding = true
      await drain(child, ended)
    },
  }
}

async function drain(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const late = setTimeout(() => child.kill('SIGKILL'), DRAIN_MS)
  child.kill('SIGTERM')
  await ended
  clearTimeout(late)
}
