import { AsyncLocalStorage } from 'node:async_hooks'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { Database, DatabaseScope, Logger, SqlSession } from '@soma/kernel'
import { lockDirectory } from './directory-lock.ts'
import { type Engine, startEngine } from './engine.ts'
import { applyMigrations } from './migrations.ts'
import { createNotifications } from './notifications.ts'
import { pgliteProblems } from './problems.ts'
import { ownerStatement, type Statement, scopeStatement } from './scope-statement.ts'
import { openSession } from './session.ts'
import { createSessionQueue } from './session-queue.ts'
import { createStatementGuard } from './statement-guard.ts'

export interface PgliteOptions {
  /** Where the data lives; made when missing. `memory` keeps nothing and opens in half a second. */
  readonly dataDirectory: string | 'memory'
  /** `power`: a commit is on the disk when it resolves. `process`: it survives a killed process, not a power cut. No matter in memory. */
  readonly durability: 'power' | 'process'
  readonly log: Logger
  /** How long a transaction may hold the only session without a statement before it is rolled back; default 5 000. */
  readonly idleTransactionTimeoutMs?: number
  /** A statement that takes longer is logged as a warning; PGlite cannot cancel it. Default 30 000. */
  readonly statementTimeoutMs?: number
}

const PGLITE_VERSION = '0.5.14'
const PING_TIMEOUT_MS = 2_000

/** Readable by this user alone, and new for every engine version and every change of what boot prepares. */
const templateFile = (): string => join(tmpdir(), `soma-pglite-${PGLITE_VERSION}-2-${userInfo().uid}.tar`)

async function provePowerDurability(engine: Engine): Promise<void> {
  const { changed: before } = await engine.ask({ kind: 'syncs' })
  await engine.ask({ kind: 'begin', sql: `select pg_logical_emit_message(true, 'soma', 'boot')`, parameters: [] })
  await engine.ask({ kind: 'commit' })
  const { changed: after } = await engine.ask({ kind: 'syncs' })
  if (after <= before) throw pgliteProblems.notDurable.create('A commit at boot called no fsync')
}

async function open(options: PgliteOptions, notified: (channel: string, payload: string) => void): Promise<Engine> {
  const inMemory = options.dataDirectory === 'memory'
  const dataDirectory = inMemory ? 'memory' : resolve(options.dataDirectory)
  const engine = await startEngine(
    { dataDirectory, durability: options.durability, templateFile: templateFile() },
    notified,
  )
  try {
    if (!inMemory && options.durability === 'power') await provePowerDurability(engine)
    return engine
  } catch (error) {
    await engine.stop()
    throw error
  }
}

async function rollBack(engine: Engine, log: Logger): Promise<void> {
  try {
    await engine.ask({ kind: 'rollback' })
  } catch (error) {
    log.error('a rollback failed', { error })
  }
}

/**
 * The embedded database: PGlite in a worker thread, behind one queue because it has one session.
 * Raises `database-in-use` when another process has the directory open and `database-not-durable` when commits reach no disk.
 */
export async function createPgliteDatabase(options: PgliteOptions): Promise<Database> {
  const { log, idleTransactionTimeoutMs = 5_000 } = options
  const unlock = options.dataDirectory === 'memory' ? () => undefined : await lockDirectory(options.dataDirectory)
  const notifications = createNotifications(log)
  const guard = createStatementGuard()
  const queue = createSessionQueue()
  const inside = new AsyncLocalStorage<{ open: boolean }>()
  let closing: Promise<void> | undefined
  let engine: Engine
  try {
    engine = await open(options, notifications.deliver)
  } catch (error) {
    unlock()
    throw error
  }

  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (inside.getStore()?.open === true)
      return Promise.reject(
        pgliteProblems.nestedTransaction.create('This transaction waits for another to finish first'),
      )
    if (closing !== undefined) return Promise.reject(pgliteProblems.closed.create('The database was closed'))
    return queue.run(work)
  }

  async function runTransaction<T>(opening: Statement, work: (session: SqlSession) => Promise<T>): Promise<T> {
    const begun = engine.ask({ kind: 'begin', ...opening })
    begun.catch(() => undefined)
    const { session, evicted, end } = openSession(engine, guard, idleTransactionTimeoutMs)
    const state = { open: true }
    try {
      const result = await Promise.race([inside.run(state, () => work(session)), evicted])
      await begun
      end()
      await engine.ask({ kind: 'commit' })
      return result
    } catch (error) {
      end()
      await rollBack(engine, log)
      await begun
      throw error
    } finally {
      state.open = false
    }
  }

  const transaction = <T>(opening: Statement, work: (session: SqlSession) => Promise<T>): Promise<T> =>
    enqueue(() => runTransaction(opening, work))

  async function maintain(sql: string): Promise<void> {
    await engine.ask({ kind: 'script', sql: 'set role soma_owner' })
    try {
      await engine.ask({ kind: 'script', sql })
    } finally {
      await engine.ask({ kind: 'script', sql: 'reset role' })
    }
  }

  async function close(): Promise<void> {
    await queue.drained()
    await engine
      .ask({ kind: 'close' })
      .catch((error: unknown) => log.warn('the engine did not close cleanly', { error }))
    await engine.stop()
    unlock()
  }

  const quoted = (channel: string): string => `"${channel.replaceAll('"', '""')}"`
  const script = (sql: string) => engine.ask({ kind: 'script', sql })

  return {
    engine: 'pglite',
    transaction: (scope: DatabaseScope, work) => transaction(scopeStatement(scope), work),
    asOwner: (work) => transaction(ownerStatement, work),
    maintain: (sql) => enqueue(() => maintain(sql)),
    migrate: (migrations) => enqueue(() => applyMigrations(engine, migrations)),
    async notify(channel, payload) {
      await enqueue(async () => notifications.deliver(channel, payload))
    },
    async listen(channel, listener) {
      if (notifications.add(channel, listener)) await enqueue(() => script(`listen ${quoted(channel)}`))
      return async () => {
        if (notifications.remove(channel, listener)) await enqueue(() => script(`unlisten ${quoted(channel)}`))
      }
    },
    async ping() {
      const answered = engine.ask({ kind: 'statement', sql: 'select 1', parameters: [] })
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(pgliteProblems.closed.create('No answer in 2 s')), PING_TIMEOUT_MS)
      })
      await Promise.race([answered, late]).finally(() => clearTimeout(timer))
    },
    close: () => (closing ??= close()),
  }
}
