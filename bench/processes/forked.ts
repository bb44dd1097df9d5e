import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process of this folder, whose CPU time is not that of the process under measurement. */
export interface Forked {
  readonly child: ChildProcess
  /** Sends a message and awaits the next answer. @throws Error when the process ends instead */
  ask<T>(message: unknown): Promise<T>
  /** The next message. */
  hear<T>(): Promise<T>
  end(signal?: NodeJS.Signals): Promise<void>
}

/** Starts `<name>.ts` of this folder with `given` as its first message. */
export function forkProcess(name: string, given: unknown): Forked {
  const child = fork(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting: unknown[] = []
  const hearers: ((message: unknown) => void)[] = []
  child.on('message', (message) => {
    const hearer = hearers.shift()
    if (hearer === undefined) waiting.push(message)
    else hearer(message)
  })
  const ended = once(child, 'exit')
  const hear = <T>(): Promise<T> => {
    const next =
      waiting.length > 0
        ? Promise.resolve(waiting.shift())
        : new Promise<unknown>((resolve) => {
            hearers.push(resolve)
          })
    const failed = ended.then(([code]) => {
      throw new Error(`the process ${name} ended with ${String(code)}`)
    })
    return Promise.race([next, failed]) as Promise<T>
  }
  child.send(given as object)
  return {
    child,
    hear,
    ask: (message) => {
      child.send(message as object)
      return hear()
    },
    end: async (signal = 'SIGTERM') => {
      child.kill(signal)
      await ended.catch(() => undefined)
    },
  }
}

/** In the process: what its parent gave it. */
export const given = async <T>(): Promise<T> => (await once(process, 'message'))[0] as T
/** In the process: tells its parent. */
export const tell = (message: object): void => void process.send?.(message)
