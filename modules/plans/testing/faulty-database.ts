import type { Database, SqlSession } from '@soma/kernel'

/** What a crash throws here. */
export const CRASH = new Error('killed in the middle of a transaction')

export interface Faults {
  readonly database: Database
  /** Asked before every statement, and by `openPlansBench` before the commit; throwing is a crash there: the transaction is rolled back. */
  before: () => void
}

/** A database whose transactions can be broken at each statement. */
export function withFaults(database: Database): Faults {
  const faults: Faults = { database: { ...database, transaction }, before: () => undefined }
  const watched = (session: SqlSession): SqlSession => ({
    query: async (sql, parameters) => {
      faults.before()
      return session.query(sql, parameters)
    },
    execute: async (sql, parameters) => {
      faults.before()
      return session.execute(sql, parameters)
    },
  })
  function transaction<T>(
    scope: Parameters<Database['transaction']>[0],
    work: (session: SqlSession) => Promise<T>,
  ): Promise<T> {
    return database.transaction(scope, (session) => work(watched(session)))
  }
  return faults
}
