import { type OpenSession, openSession } from '@soma/kernel/sql-session'
import type { ClientBase, QueryConfig } from 'pg'

export interface ClientSessionOptions {
  readonly idleTimeoutMs: number
  guard(sql: string): void
  nameOf(sql: string): string | undefined
}

/** `queryMode` is a field of pg 8.23 that its types do not know: without it a query without values may hold several statements. */
type ExtendedQuery = QueryConfig & { readonly queryMode: 'extended' }

function queryOf(sql: string, parameters: readonly unknown[], name: string | undefined): ExtendedQuery {
  return { text: sql, values: [...parameters], queryMode: 'extended', ...(name === undefined ? {} : { name }) }
}

/** The session of one transaction on a connection. */
export function openClientSession(client: ClientBase, options: ClientSessionOptions): OpenSession {
  return openSession({
    guard: options.guard,
    idleTimeoutMs: options.idleTimeoutMs,
    send: (sql, parameters) => client.query(queryOf(sql, parameters, options.nameOf(sql))),
    rowsOf: ({ rows }) => rows,
    changedOf: ({ rowCount }) => rowCount ?? 0,
  })
}
