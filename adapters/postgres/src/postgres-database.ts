import type { Database, Logger } from '@soma/kernel'
import { createNotifications, ownerStatement, scopeStatement } from '@soma/kernel/sql-session'
import pg from 'pg'
import { createChannelListener } from './listener.ts'
import { applyMigrations } from './migrations.ts'
import { createPool } from './pool.ts'
import { postgresProblems } from './problems.ts'
import { ensureRoles } from './roles.ts'
import { createTransactions } from './transactions.ts'
import { normalisedTypes } from './values.ts'
import { requireVersion } from './version.ts'

export interface PostgresOptions {
  /** `postgres://user@host:port/database`. The user needs no rights of its own beyond membership in the platform's roles. */
  readonly connectionString: string
  /** How many transactions may run at once; further ones wait. */
  readonly poolSize: number
  readonly log: Logger
  /** A statement that takes longer is cancelled (SQLSTATE 57014). Migrations and maintenance are exempt. */
  readonly statementTimeoutMs: number
  /** How long a transaction may hold a connection without a statement before it is rolled back; default 5 000. */
  readonly idleTransactionTimeoutMs?: number
}

const PING_TIMEOUT_MS = 2_000
const CONNECT_TIMEOUT_MS = 10_000
/** The server's own net under ours, for a process that stopped or lost its network mid-transaction: what it locked is free soon after its leases of 9 s end. */
const SERVER_IDLE_TIMEOUT_FACTOR = 2

function clientConfig(options: PostgresOptions, idleTimeoutMs: number): pg.ClientConfig {
  return {
    connectionString: options.connectionString,
    application_name: 'soma',
    types: normalisedTypes(),
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: SERVER_IDLE_TIMEOUT_FACTOR * idleTimeoutMs,
    options: '-c timezone=UTC',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  }
}

async function withClient<T>(config: pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(config)
  let broken: Error | undefined
  client.on('error', (error) => {
    broken = error
  })
  await client.connect()
  try {
    return await work(client)
  } catch (error) {
    throw broken ?? error
  } finally {
    await client.end()
  }
}

async function ping(pool: pg.Pool): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(postgresProblems.closed.create('No answer in 2 s')), PING_TIMEOUT_MS)
  })
  const answered = pool.query('select 1')
  await Promise.race([answered, late]).finally(() => clearTimeout(timer))
}

/** On a connection of its own, which ends with it: nothing it set can reach a request. */
function maintain(config: pg.ClientConfig, sql: string): Promise<void> {
  return withClient(config, async (client) => {
    await client.query('set statement_timeout = 0')
    await client.query('set role soma_owner')
    await client.query(sql)
  })
}

/**
 * Native Postgres ≥ 15. Logs in as the given user, makes the platform's roles where they are missing, and runs every transaction under one
 * of them. Connections that a restarted server dropped are made anew; a transaction that was under way then rejects.
 * Serialization failures and deadlocks surface with their SQLSTATE (40001, 40P01). At opening it raises `database-too-old` and
 * `database-roles-missing`.
 */
export async function createPostgresDatabase(options: PostgresOptions): Promise<Database> {
  const { log, idleTransactionTimeoutMs: idleTimeoutMs = 5_000 } = options
  const config = clientConfig(options, idleTimeoutMs)
  await withClient(config, async (client) => {
    await requireVersion(client)
    await ensureRoles(client)
  })
  const pool = createPool(config, options.poolSize)
  pool.on('error', (error) => log.warn('an idle database connection broke', { error }))
  const notifications = createNotifications(log)
  const listener = createChannelListener({ config, log, notified: notifications.deliver })
  const runTransaction = createTransactions({ pool, log, idleTimeoutMs })
  let closing: Promise<void> | undefined

  async function open<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) throw postgresProblems.closed.create('The database was closed')
    return work()
  }
  async function close(): Promise<void> {
    await listener.close()
    await pool.end()
  }

  return {
    engine: 'postgres',
    transaction: (scope, work) => open(() => runTransaction(scopeStatement(scope), work)),
    asOwner: (work) => open(() => runTransaction(ownerStatement, work)),
    maintain: (sql) => open(() => maintain(config, sql)),
    migrate: (migrations) => open(() => withClient(config, (client) => applyMigrations(client, migrations))),
    async notify(channel, payload) {
      await open(() => pool.query('select pg_notify($1, $2)', [channel, payload]))
    },
    listen: (channel, subscriber) =>
      open(async () => {
        if (notifications.add(channel, subscriber)) await listener.listen(channel)
        return async () => {
          if (notifications.remove(channel, subscriber)) await listener.unlisten(channel)
        }
      }),
    ping: () => open(() => ping(pool)),
    close: () => (closing ??= close()),
  }
}
