import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { dataDirectory, isAlive, type RunningServer, runningServer } from '../connection.ts'
import { EXIT } from '../failure.ts'
import { onInterrupt } from '../on-interrupt.ts'
import { fieldsView } from '../output/view.ts'
import type { Handling } from '../session.ts'

export interface BackgroundFlags {
  readonly data?: string
  readonly mode?: string
  readonly port?: number
  /** With `stop`: what the server kept goes too. */
  readonly clean?: boolean
}

const LOG = 'dev.log'
/** All that a server and `soma dev` write into the data folder: nothing else in it is ever deleted. */
const DATA = ['database', 'encryption.key', 'setup-code', 'server.json', 'dev', LOG]
const POLL_MS = 100
/** Agents and server finish what they have in hand, each with a grace of its own. */
const STOP_MS = 60_000

const view = fieldsView<RunningServer & { readonly log?: string }>(
  ({ url, pid, mode, startedAt, log }) => [
    { name: 'url', value: url },
    { name: 'pid', value: pid },
    { name: 'mode', value: mode },
    { name: 'started', value: startedAt, kind: 'time' },
    { name: 'log', value: log },
  ],
  ({ pid }) => [String(pid)],
)

/** Runs `soma dev` as a process of its own and returns once the server runs and its agents begin; code that does not compile is in the log. @throws Error when one runs already, or with the end of its log when it ends first */
export async function startInBackground({ session, flags }: Handling<BackgroundFlags>): Promise<void> {
  const directory = flags.data ?? dataDirectory()
  const running = await serverOf(directory)
  if (running !== undefined)
    throw new Error(`a server runs here already: pid ${running.pid}, since ${running.startedAt}, at ${running.url}`)
  const log = join(directory, LOG)
  mkdirSync(directory, { recursive: true })
  const file = openSync(log, 'w', 0o600)
  const child = spawn(process.execPath, [...process.execArgv, ...wordsOf(flags)], {
    detached: true,
    stdio: ['ignore', file, file, 'ipc'],
  })
  closeSync(file)
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`\`soma dev\` ended with code ${String(code)} as it started:\n${readFileSync(log, 'utf8')}`)
  })
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => undefined)
  child.disconnect()
  child.unref()
  await session.printer.result({ ...((await serverOf(directory)) as RunningServer), log }, view)
}

/** The server that left its address here and listens. One that was killed leaves it too, and its pid may be another program's by now, which must not be ended. */
async function serverOf(directory: string): Promise<RunningServer | undefined> {
  const address = await runningServer(directory)
  return address !== undefined && (await isListening(new URL(address.url))) ? address : undefined
}

function isListening({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) })
    const answer = (is: boolean) => () => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', answer(true)).once('error', answer(false))
  })
}

/** This program again, as it was started. */
const wordsOf = ({ data, mode, port }: BackgroundFlags): string[] => [
  process.argv[1] as string,
  'dev',
  ...Object.entries({ data, mode, port }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  ),
]

/** Ends the server of this folder and its agents as Ctrl-C would; none is no error. @throws Error when it does not end within 60 s */
export async function stopInBackground({ session, flags }: Handling<BackgroundFlags>): Promise<void> {
  const directory = flags.data ?? dataDirectory()
  const { note } = session.printer
  const isCleaned = flags.clean === true && (await session.confirm(`Delete all that is kept in ${directory}?`))
  const running = await serverOf(directory)
  if (running === undefined) note('no server runs here')
  else {
    await end(running.pid)
    note(`stopped pid ${running.pid}`)
  }
  if (isCleaned) {
    for (const name of DATA) rmSync(join(directory, name), { recursive: true, force: true })
    if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory)
    note(`deleted the data in ${directory}`)
  }
}

async function end(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM')
  for (let waitedMs = 0; isAlive(pid); waitedMs += POLL_MS) {
    if (waitedMs >= STOP_MS)
      throw new Error(`pid ${pid} has not ended within ${STOP_MS / 1000} s: \`soma dev --logs\` says what it does`)
    await pause(POLL_MS)
  }
}

/** The server of this folder; exit code 8 when there is none. */
export async function showBackground({ session, flags }: Handling<BackgroundFlags>): Promise<number> {
  const directory = flags.data ?? dataDirectory()
  const running = await serverOf(directory)
  if (running === undefined) {
    session.printer.note(`no server runs in ${directory}; \`soma dev --start\` starts one`)
    return EXIT.unavailable
  }
  const log = join(directory, LOG)
  await session.printer.result({ ...running, ...(existsSync(log) ? { log } : {}) }, view)
  return EXIT.done
}

/** Prints the log of the server in the background, and what comes until it ends or Ctrl-C. @throws Error when there is no log */
export async function followLog({ session, flags }: Handling<BackgroundFlags>): Promise<void> {
  const directory = flags.data ?? dataDirectory()
  const path = join(directory, LOG)
  if (!existsSync(path)) throw new Error(`there is no ${path}: \`soma dev --start\` writes one`)
  const { signal } = onInterrupt(() => undefined)
  const file = await open(path)
  try {
    for (let from = 0; ; ) {
      const isRunning = (await serverOf(directory)) !== undefined
      const { size } = await stat(path)
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(Math.max(size - from, 0)), position: from })
      from += bytesRead
      if (bytesRead > 0) session.printer.raw(buffer.toString('utf8', 0, bytesRead))
      else if (!isRunning || signal.aborted) return
      else await pause(POLL_MS, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    await file.close()
  }
}
