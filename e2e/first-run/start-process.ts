import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createClients } from '@soma/sdk/clients'
import { DEADLINE_MS, type EventLog, followEvents } from './event-log.ts'

const MAIN = fileURLToPath(new URL('../../apps/cli/src/main.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** `soma start` as a process of its own. */
export interface StartProcess {
  readonly pid: number
  readonly startedAtMs: number
  /** Resolves with the server's address once it is ready; rejects with the output when the process ends before. */
  readonly ready: Promise<{ readonly url: string; readonly atMs: number }>
  readonly ended: Promise<Ended>
  stdout(): string
  /** Resolves when the output matches; rejects when the process ends before, or after `DEADLINE_MS`. */
  said(pattern: RegExp): Promise<RegExpExecArray>
  stderr(): string
  /** Ends it at once and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<Ended>
}

export interface StartOptions {
  /** The current folder of the process: what is checked when no folder is named. */
  readonly cwd: string
  readonly dataDirectory: string
  /** Default 0: a free one. */
  readonly port?: number
  /** Further words of the command line. */
  readonly words?: readonly string[]
  /** Modules that are loaded before ours and after tsx, for what a machine cannot be made to be. */
  readonly imports?: readonly string[]
}

export function startProcess(options: StartOptions): StartProcess {
  const { cwd, dataDirectory, port = 0, words = [], imports = [] } = options
  const child = spawn(
    process.execPath,
    [
      '--conditions=@soma/source',
      ...[TSX, ...imports].flatMap((url) => ['--import', url]),
      MAIN,
      'start',
      ...words,
      '--data',
      dataDirectory,
      '--port',
      String(port),
    ],
    { cwd, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const startedAtMs = Date.now()
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (output.stderr += text))
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }) as Ended)
  const said = (pattern: RegExp) => untilSaid(child, pattern, { output, ended })
  const ready = said(/^Soma\s+(http:\/\/\S+)/m).then(([, url = '']) => ({ url, atMs: Date.now() }))
  // Who does not ask for the address does not want to hear that there is none.
  ready.catch(() => undefined)
  return {
    pid: child.pid as number,
    startedAtMs,
    ready,
    ended,
    stdout: () => output.stdout,
    said,
    stderr: () => output.stderr,
    kill(signal = 'SIGKILL') {
      child.kill(signal)
      return ended
    },
  }
}

interface Speech {
  readonly output: { readonly stdout: string; readonly stderr: string }
  readonly ended: Promise<Ended>
}

function untilSaid(child: ChildProcess, pattern: RegExp, { output, ended }: Speech): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${pattern} was not printed in ${DEADLINE_MS} ms: ${output.stdout}${output.stderr}`)),
      DEADLINE_MS,
    )
    timer.unref()
    const look = () => {
      const match = pattern.exec(output.stdout)
      if (match !== null) resolve(match)
    }
    child.stdout?.on('data', look)
    look()
    void ended.then(({ code, signal, stderr }) =>
      reject(new Error(`the process ended (${code ?? signal}) before it printed ${pattern}: ${stderr}`)),
    )
  })
}

/** A ready server with its clients and everything it says. */
export interface Connected {
  readonly process: StartProcess
  readonly clients: ReturnType<typeof createClients>
  readonly events: EventLog
  readonly url: string
  /** Of this process, milliseconds from its start. */
  readonly readyAfterMs: number
  readonly readyAtMs: number
}

export async function connected(process: StartProcess): Promise<Connected> {
  const { url, atMs } = await process.ready
  const clients = createClients({ url })
  const events = await followEvents(clients)
  return { process, clients, events, url, readyAfterMs: atMs - process.startedAtMs, readyAtMs: atMs }
}
