import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { Database, Logger } from '@soma/kernel'
import { createNotifications, type Notifications, ownerStatement, scopeStatement } from '@soma/kernel/sql-session'
import { lockDirectory } from './directory-lock.ts'
import { type Engine, startEngine } from './engine.ts'
import { createEngineHost, type EngineHost } from './engine-host.ts'
import { applyMigrations } from './migrations.ts'
import { provePowerDurability } from './power-durability.ts'
import { pgliteProblems } from './problems.ts'
import { createTransactions } from './transaction.ts'

export interface PgliteOptions {
  /** Where the data lives; made when missing. `memory` keeps nothing and opens in about a second. */
  readonly dataDirectory: string | 'memory'
  /** `power`: a commit is on the disk when it resolves. `process`: it survives a killed process, not a power cut. No matter in memory. */
  readonly durability: 'power' | 'process'
  readonly log: Logger
  /** How long a transaction may hold the only session without a statement before it is rolled back; default 5 000. */
  readonly idleTransactionTimeoutMs?: number
  /**
   * A statement of a transaction that takes longer stops the engine, which PGlite cannot do to a statement alone; the next in line starts
   * it anew (0.5 s and more). Migrations and maintenance are exempt. Default 30 000.
   */
  readonly statementTimeoutMs?: number
}

const PGLITE_VERSION = '0.5.14'
const PING_TIMEOUT_MS = 2_000

/** Readable by this user alone. The number after the version changes with what boot prepares. */
const templateFile = (): string => join(tmpdir(), `soma-pglite-${PGLITE_VERSION}-5-${userInfo().uid}.tar`)

const isInMemory = ({ dataDirectory }: PgliteOptions): boolean => dataDirectory === 'memory'

async function openEngine(options: PgliteOptions, notifications: Notifications): Promise<Engine> {
  const { dataDirectory, durability, log, statementTimeoutMs = 30_000 } = options
  const engine = await startEngine({
    settings: {
      dataDirectory: isInMemory(options) ? 'memory' : resolve(dataDirectory),
      durability,
      templateFile: templateFile(),
    },
    statementTimeoutMs,
    log,
    notified: notifications.deliver,
  })
  try {
    if (!isInMemory(options) && durability === 'power') await provePowerDurability(engine)
    return engine
  } catch (error) {
    await engine.stop()
    throw error
  }
}

const quoted = (channel: string): string => `"${channel.replaceAll('"', '""')}"`

function openHost(options: PgliteOptions, notifications: Notifications): Promise<EngineHost> {
  return createEngineHost({
    log: options.log,
    restartable: !isInMemory(options),
    open: () => openEngine(options, notifications),
    async restored(engine) {
      for (const channel of notifications.channels())
        await engine.ask({ kind: 'script', sql: `listen ${quoted(channel)}` })
    },
  })
}

async function maintain(engine: Engine, sql: string): Promise<void> {
  await engine.ask({ kind: 'script', sql: 'set role soma_owner' })
  try {
    await engine.ask({ kind: 'script', sql })
  } finally {
    await engine.ask({ kind: 'script', sql: 'reset role' })
  }
}

async function ping(host: EngineHost): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(pgliteProblems.closed.create('No answer in 2 s')), PING_TIMEOUT_MS)
  })
  const answered = host.use((engine) => engine.ask({ kind: 'statement', sql: 'select 1', parameters: [] }))
  await Promise.race([answered, late]).finally(() => clearTimeout(timer))
}

/**
 * The embedded database: PGlite in a worker thread, behind one queue because it has one session.
 * Raises `database-in-use` when another process has the directory open and `database-not-durable` when commits reach no disk.
 */
export async function createPgliteDatabase(options: PgliteOptions): Promise<Database> {
  const { log, idleTransactionTimeoutMs = 5_000 } = options
  const unlock = isInMemory(options) ? () => undefined : await lockDirectory(options.dataDirectory)
  const notifications = createNotifications(log)
  const host = await openHost(options, notifications).catch((error: unknown) => {
    unlock()
    throw error
  })
  const transaction = createTransactions({ host, log, idleTimeoutMs: idleTransactionTimeoutMs })
  const script = (sql: string) => host.use((engine) => engine.ask({ kind: 'script', sql }))

  return {
    engine: 'pglite',
    transaction: (scope, work) => transaction(scopeStatement(scope), work),
    asOwner: (work) => transaction(ownerStatement, work),
    maintain: (sql) => host.use((engine) => maintain(engine, sql)),
    migrate: (migrations) => host.use((engine) => applyMigrations(engine, migrations)),
    /** All listeners are in this process, so the engine is not asked; later, so that they do not run inside the caller. */
    async notify(channel, payload) {
      await Promise.resolve()
      notifications.deliver(channel, payload)
    },
    async listen(channel, listener) {
      if (notifications.add(channel, listener)) await script(`listen ${quoted(channel)}`)
      return async () => {
        if (notifications.remove(channel, listener)) await script(`unlisten ${quoted(channel)}`)
      }
    },
    ping: () => ping(host),
    close: () => host.close().finally(unlock),
  }
}
