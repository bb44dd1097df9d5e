import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from '@soma/kernel'
import type { Engine } from './engine.ts'
import { pgliteProblems } from './problems.ts'
import { createSessionQueue } from './session-queue.ts'

export interface EngineHostOptions {
  open(): Promise<Engine>
  /** Prepares a restarted engine for the next in line: what the session knew is gone. */
  restored(engine: Engine): Promise<void>
  /** False when the data lived in the engine itself. */
  readonly restartable: boolean
  readonly log: Logger
}

export interface EngineHost {
  /**
   * Gives `work` the only session once everybody before has finished. Raises `database-closed` after `close`, and `nested-transaction`
   * when called by somebody who holds the session: it would wait for itself.
   */
  use<T>(work: (engine: Engine) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Keeps one engine running behind one queue. An engine that stopped or was stopped for a stuck statement is started anew for the next in line. */
export async function createEngineHost(options: EngineHostOptions): Promise<EngineHost> {
  const { log } = options
  const queue = createSessionQueue()
  const holding = new AsyncLocalStorage<{ isOpen: boolean }>()
  let engine = await options.open()
  let closing: Promise<void> | undefined

  async function running(): Promise<Engine> {
    if (!engine.hasEnded() || !options.restartable) return engine
    log.error('the database engine had stopped; starting it again')
    await engine.stop()
    engine = await options.open()
    await options.restored(engine)
    return engine
  }

  async function hold<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    const holder = { isOpen: true }
    try {
      const current = await running()
      return await holding.run(holder, () => work(current))
    } finally {
      holder.isOpen = false
    }
  }

  async function close(): Promise<void> {
    await queue.run(async () => {
      await engine
        .ask({ kind: 'close' })
        .catch((error: unknown) => log.warn('the engine did not close cleanly', { error }))
      await engine.stop()
    })
  }

  return {
    use(work) {
      if (holding.getStore()?.isOpen === true)
        return Promise.reject(
          pgliteProblems.nestedTransaction.create('This transaction waits for itself to finish first'),
        )
      if (closing !== undefined) return Promise.reject(pgliteProblems.closed.create('The database was closed'))
      return queue.run(() => hold(work))
    },
    close: () => (closing ??= close()),
  }
}
