import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { PartitionState } from '@soma/kernel'
import type { Answer, ProcessOrder, Question } from './process-order.ts'

const SCRIPT = new URL('./server-process.ts', import.meta.url).pathname

/** A real server process that may be killed, paused and asked. */
export interface ServerProcess {
  readonly url: string
  /** Of the command, or of what it was started through. */
  readonly pid: number
  readonly isAlive: () => boolean
  /** Rows of a statement, as the role that sees the events of all tenants. */
  ask<Row>(sql: string): Promise<Row[]>
  /** Rows of a statement as one tenant sees them, of every module. */
  askAs<Row>(tenantId: string, sql: string, parameters?: readonly unknown[]): Promise<Row[]>
  heads(): Promise<PartitionState[]>
  /** When it has ended, however it did. */
  readonly ended: Promise<unknown>
  kill(): Promise<void>
  pause(): void
  resume(): void
  /** Its clock jumps as `clock-jump.ts` was told. */
  jump(): void
}

export interface StartOptions extends Omit<ProcessOrder, 'port'> {
  readonly port?: number
  /** Milliseconds by which its clock is off: `atStart`, and from a `jump` on. */
  readonly clock?: { readonly atStartMs: number; readonly afterJumpMs: number }
  /** Words before the command, such as those that enter a network namespace. */
  readonly through?: readonly string[]
}

/** Starts a process and waits until it serves. @throws Error when it ends before */
export async function startProcess(options: StartOptions): Promise<ServerProcess> {
  const { through = [], clock, port = await freePort(), ...rest } = options
  const order: ProcessOrder = { ...rest, port }
  const preload = clock === undefined ? [] : ['--import', clockPreload(clock.atStartMs, clock.afterJumpMs)]
  const node = [
    process.execPath,
    '--conditions=@soma/source',
    '--import',
    'tsx',
    ...preload,
    SCRIPT,
    JSON.stringify(order),
  ]
  const [command, ...words] = [...through, ...node] as [string, ...string[]]
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  const ask = createAsking(child, ended)
  // One that is to die at a point may reach it before it is ready.
  await (options.crash === undefined ? ask.ready : ask.ready.catch(() => undefined))
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid as number,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    ask: (sql) => ask.question({ sql }) as never,
    askAs: (tenantId, sql, parameters = []) => ask.question({ tenantId, sql, parameters }) as never,
    heads: () => ask.question({}) as never,
    ended,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    jump: () => void child.kill('SIGUSR2'),
  }
}

function createAsking(child: ChildProcess, ended: Promise<unknown>) {
  const waiting = new Map<number, (answer: Answer) => void>()
  let last = 0
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  const answered = (id: number): Promise<Answer> =>
    Promise.race([
      new Promise<Answer>((resolve) => waiting.set(id, resolve)),
      ended.then((how) => {
        throw new Error(`the process ended: ${JSON.stringify(how)}`)
      }),
    ])
  return {
    ready: answered(0),
    question: async (asked: Omit<Question, 'id'>): Promise<unknown> => {
      last += 1
      const answer = answered(last)
      child.send({ id: last, ...asked })
      const { value, fault } = await answer
      if (fault !== undefined) throw new Error(fault)
      return value
    },
  }
}

/** Shifts `Date` by an offset, and by another from SIGUSR2 on, in the main thread and in workers. */
function clockPreload(atStartMs: number, afterJumpMs: number): string {
  const source = `
    const RealDate = Date
    let offset = ${atStartMs}
    process.on('SIGUSR2', () => { offset = ${afterJumpMs} })
    globalThis.Date = class extends RealDate {
      constructor(...words) { words.length === 0 ? super(RealDate.now() + offset) : super(...words) }
      static now() { return RealDate.now() + offset }
    }`
  return `data:text/javascript,${encodeURIComponent(source)}`
}

export async function freePort(): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as { port: number }
  await new Promise((resolve) => holder.close(resolve))
  return port
}
