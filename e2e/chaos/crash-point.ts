import type { Database, SqlSession } from '@soma/kernel'

/** A place in the machine where a process is killed, named by the statement that stands there. */
export interface CrashPoint {
  /** Part of the statement. */
  readonly statement: string
  /** Before it runs, when it has answered at least one row and its transaction is still open, or when that is committed. */
  readonly when: 'before' | 'after' | 'committed'
  /** The how manyth time. */
  readonly nth: number
}

/** The database of a process that ends by kill -9 at a point; nothing of the process runs after it. */
export function crashingDatabase(database: Database, point: CrashPoint | undefined): Database {
  if (point === undefined) return database
  let left = point.nth
  const reach = () => {
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  }
  const watched = (session: SqlSession, seen: () => void): SqlSession => {
    const run = async <T>(sql: string, work: () => Promise<T>, isHit: (answer: T) => boolean): Promise<T> => {
      const isPoint = sql.includes(point.statement)
      if (isPoint && point.when === 'before') reach()
      const answer = await work()
      if (!isPoint || !isHit(answer)) return answer
      if (point.when === 'after') reach()
      seen()
      return answer
    }
    return {
      query: <Row>(sql: string, parameters?: readonly unknown[]) =>
        run(
          sql,
          () => session.query<Row>(sql, parameters),
          (rows) => rows.length > 0,
        ),
      execute: (sql, parameters) =>
        run(
          sql,
          () => session.execute(sql, parameters),
          (count) => count > 0,
        ),
    }
  }
  return {
    ...database,
    transaction: async (scope, work) => {
      let isSeen = false
      const seen = () => {
        isSeen = true
      }
      const answer = await database.transaction(scope, (session) => work(watched(session, seen)))
      if (isSeen && point.when === 'committed') reach()
      return answer
    },
  }
}
