import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger, SqlSession } from '@soma/kernel'
import { createStatementGuard, type Statement } from '@soma/kernel/sql-session'
import type pg from 'pg'
import { postgresProblems } from './problems.ts'
import { openClientSession } from './session.ts'
import { createStatementNames } from './statement-names.ts'

export interface TransactionOptions {
  readonly pool: pg.Pool
  readonly log: Logger
  readonly idleTimeoutMs: number
}

export type RunTransaction = <T>(opening: Statement, work: (session: SqlSession) => Promise<T>) => Promise<T>

/** Both are sent at once, and nobody waits for their answers: the connection is pipelined. */
function begin(client: pg.PoolClient, { sql, parameters }: Statement): Promise<unknown> {
  const begun = Promise.all([
    client.query('begin'),
    client.query({ name: `soma_scope_${parameters.length}`, text: sql, values: [...parameters] }),
  ])
  begun.catch(() => undefined)
  return begun
}

async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('commit')
  if (command !== 'COMMIT')
    throw new Error('The transaction was rolled back: one of its statements had failed and its error was swallowed')
}

const isEviction = (error: unknown): boolean => (error as { code?: unknown }).code === 'transaction-evicted'

/** A connection is kept when its rollback worked, else thrown away: one evicted in the middle of something answers late. */
async function abandon(client: pg.PoolClient, error: unknown): Promise<void> {
  const isClean =
    !isEviction(error) &&
    (await client.query('rollback').then(
      () => true,
      () => false,
    ))
  client.release(!isClean)
}

/** Transactions on pooled connections, each with one statement that sets role and scope. BEGIN, that statement and the first of the caller travel together. */
export function createTransactions({ pool, log, idleTimeoutMs }: TransactionOptions): RunTransaction {
  const inside = new AsyncLocalStorage<{ open: boolean }>()
  const sessionOptions = { idleTimeoutMs, guard: createStatementGuard(), nameOf: createStatementNames() }

  async function run<T>(
    client: pg.PoolClient,
    opening: Statement,
    work: (session: SqlSession) => Promise<T>,
  ): Promise<T> {
    const begun = begin(client, opening)
    const { session, evicted, end } = openClientSession(client, sessionOptions)
    const state = { open: true }
    try {
      const result = await Promise.race([inside.run(state, () => work(session)), evicted])
      end()
      await begun
      await commit(client)
      return result
    } catch (error) {
      // What failed at the beginning is why the statement after it failed.
      if (!isEviction(error)) await begun
      throw error
    } finally {
      end()
      state.open = false
    }
  }

  return async (opening, work) => {
    if (inside.getStore()?.open === true)
      throw postgresProblems.nestedTransaction.create('This transaction waits for another to finish first')
    const client = await pool.connect()
    const onError = (error: Error) => log.warn('a database connection broke inside a transaction', { error })
    client.on('error', onError)
    try {
      const result = await run(client, opening, work)
      client.release()
      return result
    } catch (error) {
      await abandon(client, error)
      throw error
    } finally {
      client.off('error', onError)
    }
  }
}
