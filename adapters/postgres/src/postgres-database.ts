import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database, DatabaseScope, Logger, SqlSession } from '@soma/kernel'
import pg from 'pg'
import { createChannelListener } from './listener.ts'
import { applyMigrations } from './migrations.ts'
import { createNotifications } from './notifications.ts'
import { postgresProblems } from './problems.ts'
import { ensureRoles } from './roles.ts'
import { ownerStatement, type Statement, scopeStatement } from './scope-statement.ts'
import { openSession } from './session.ts'
import { createStatementGuard } from './statement-guard.ts'
import { createStatementNames } from './statement-names.ts'
import { normalisedTypes } from './values.ts'

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
/** The server's own net under ours, for a process that stopped mid-transaction without closing its socket. */
const SERVER_IDLE_TIMEOUT_FACTOR = 6

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

/**
 * Native Postgres ≥ 15. Logs in as the given user, makes the platform's roles where they are missing, and runs every transaction under one
 * of them. Connections that a restarted server dropped are made anew; a transaction that was under way then rejects.
 * Serialization failures and deadlocks surface with their SQLSTATE (40001, 40P01). Raises `database-roles-missing` at opening.
 */
export async function createPostgresDatabase(options: PostgresOptions): Promise<Database> {
  const { log, idleTransactionTimeoutMs: idleTimeoutMs = 5_000 } = options
  const config = clientConfig(options, idleTimeoutMs)
  await withClient(config, ensureRoles)
  const pool = new pg.Pool({ ...config, max: options.poolSize })
  pool.on('error', (error) => log.warn('an idle database connection broke', { error }))
  const notifications = createNotifications(log)
  const listener = createChannelListener({ config, log, notified: notifications.deliver })
  const inside = new AsyncLocalStorage<{ open: boolean }>()
  const sessionOptions = { idleTimeoutMs, guard: createStatementGuard(), nameOf: createStatementNames() }
  let closing: Promise<void> | undefined

  function refuseWhenClosed(): void {
    if (closing !== undefined) throw postgresProblems.closed.create('The database was closed')
  }

  async function runTransaction<T>(
    client: pg.PoolClient,
    opening: Statement,
    work: (session: SqlSession) => Promise<T>,
  ): Promise<T> {
    await client.query('begin')
    await client.query({
      name: `scope_${opening.parameters.length}`,
      text: opening.sql,
      values: [...opening.parameters],
    })
    const { session, evicted, end } = openSession(client, sessionOptions)
    const state = { open: true }
    try {
      const result = await Promise.race([inside.run(state, () => work(session)), evicted])
      end()
      const { command } = await client.query('commit')
      if (command === 'COMMIT') return result
      throw new Error('The transaction was rolled back: one of its statements had failed and its error was swallowed')
    } finally {
      end()
      state.open = false
    }
  }

  /** A connection is kept when its rollback worked, else thrown away: one evicted mid-statement answers late. */
  async function recover(client: pg.PoolClient, error: unknown): Promise<void> {
    const evicted = (error as { code?: unknown }).code === 'transaction-evicted'
    const kept =
      !evicted &&
      (await client.query('rollback').then(
        () => true,
        () => false,
      ))
    client.release(!kept)
  }

  async function transaction<T>(opening: Statement, work: (session: SqlSession) => Promise<T>): Promise<T> {
    if (inside.getStore()?.open === true)
      throw postgresProblems.nestedTransaction.create('This transaction waits for another to finish first')
    refuseWhenClosed()
    const client = await pool.connect()
    const onError = (error: Error) => log.warn('a database connection broke inside a transaction', { error })
    client.on('error', onError)
    try {
      const result = await runTransaction(client, opening, work)
      client.off('error', onError)
      client.release()
      return result
    } catch (error) {
      await recover(client, error)
      client.off('error', onError)
      throw error
    }
  }

  async function maintain(sql: string): Promise<void> {
    refuseWhenClosed()
    await withClient(config, async (client) => {
      await client.query('set statement_timeout = 0')
      await client.query('set role soma_owner')
      await client.query(sql)
    })
  }

  async function ping(): Promise<void> {
    refuseWhenClosed()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(postgresProblems.closed.create('No answer in 2 s')), PING_TIMEOUT_MS)
    })
    const answered = pool.query('select 1')
    await Promise.race([answered, late]).finally(() => clearTimeout(timer))
  }

  async function close(): Promise<void> {
    await listener.close()
    await pool.end()
  }

  return {
    engine: 'postgres',
    transaction: (scope: DatabaseScope, work) => transaction(scopeStatement(scope), work),
    asOwner: (work) => transaction(ownerStatement, work),
    maintain,
    async migrate(migrations) {
      refuseWhenClosed()
      return withClient(config, (client) => applyMigrations(client, migrations))
    },
    async notify(channel, payload) {
      refuseWhenClosed()
      await pool.query('select pg_notify($1, $2)', [channel, payload])
    },
    async listen(channel, subscriber) {
      refuseWhenClosed()
      if (notifications.add(channel, subscriber)) await listener.listen(channel)
      return async () => {
        if (notifications.remove(channel, subscriber)) await listener.unlisten(channel)
      }
    },
    ping,
    close: () => (closing ??= close()),
  }
}
