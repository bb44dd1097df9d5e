import type { SqlSession } from '@soma/kernel'
import type { ClientBase, QueryConfig, QueryResult } from 'pg'
import { postgresProblems } from './problems.ts'

export interface OpenSession {
  readonly session: SqlSession
  /** Rejects when the session waited too long for a statement. */
  readonly evicted: Promise<never>
  /** After this every statement of the session is refused. */
  end(): void
}

export interface SessionOptions {
  readonly idleTimeoutMs: number
  guard(sql: string): void
  nameOf(sql: string): string | undefined
}

/** `queryMode` is a field of pg 8.23 that its types do not know: without it a query without values may hold several statements. */
type Statement = QueryConfig & { readonly queryMode: 'extended' }

/** The session of one transaction, with a watch over the time between its statements. */
export function openSession(client: ClientBase, options: SessionOptions): OpenSession {
  let refusal: Error | undefined
  let running = 0
  let watch: NodeJS.Timeout | undefined
  let reject: (reason: Error) => void = () => undefined
  const evicted = new Promise<never>((_, rejectEvicted) => {
    reject = rejectEvicted
  })
  evicted.catch(() => undefined)

  function evict(): void {
    refusal = postgresProblems.transactionEvicted.create(
      `No statement for ${options.idleTimeoutMs} ms inside a transaction`,
    )
    reject(refusal)
  }
  function startWatch(): void {
    watch = setTimeout(evict, options.idleTimeoutMs)
  }
  async function ask(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult> {
    if (refusal !== undefined) throw refusal
    options.guard(sql)
    running += 1
    clearTimeout(watch)
    const name = options.nameOf(sql)
    const statement: Statement = {
      text: sql,
      values: [...parameters],
      queryMode: 'extended',
      ...(name === undefined ? {} : { name }),
    }
    try {
      return await client.query(statement)
    } finally {
      running -= 1
      if (running === 0 && refusal === undefined) startWatch()
    }
  }
  startWatch()
  return {
    session: {
      query: async <Row>(sql: string, parameters?: readonly unknown[]) => (await ask(sql, parameters)).rows as Row[],
      execute: async (sql, parameters) => (await ask(sql, parameters)).rowCount ?? 0,
    },
    evicted,
    end() {
      clearTimeout(watch)
      refusal ??= postgresProblems.closed.create('The transaction of this session has ended')
    },
  }
}
