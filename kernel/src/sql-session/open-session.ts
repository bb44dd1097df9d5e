import type { SqlSession } from '../ports/database.ts'
import { sqlSessionProblems } from './problems.ts'

export interface OpenSession {
  readonly session: SqlSession
  /** Rejects when the session waited too long for a statement. */
  readonly evicted: Promise<never>
  /** After this every statement of the session is refused. */
  end(): void
}

export interface SessionOptions<Result> {
  /** How long the transaction may go without a statement. */
  readonly idleTimeoutMs: number
  /** @throws statement-refused */
  readonly guard: (sql: string) => void
  readonly send: (sql: string, parameters: readonly unknown[]) => Promise<Result>
  readonly rowsOf: (result: Result) => unknown[]
  readonly changedOf: (result: Result) => number
}

/** The session of one transaction, with a watch over the time between its statements. */
export function openSession<Result>(options: SessionOptions<Result>): OpenSession {
  const { idleTimeoutMs, guard, send, rowsOf, changedOf } = options
  let refuse: (() => Error) | undefined
  let running = 0
  let watch: ReturnType<typeof setTimeout> | undefined
  let reject: (reason: Error) => void = () => undefined
  const evicted = new Promise<never>((_, rejectEvicted) => {
    reject = rejectEvicted
  })
  evicted.catch(() => undefined)

  function evict(): void {
    const refusal = sqlSessionProblems.transactionEvicted.create(
      `No statement for ${idleTimeoutMs} ms inside a transaction`,
    )
    refuse = () => refusal
    reject(refusal)
  }
  function startWatch(): void {
    watch = setTimeout(evict, idleTimeoutMs)
  }
  async function ask(sql: string, parameters: readonly unknown[] = []): Promise<Result> {
    if (refuse !== undefined) throw refuse()
    guard(sql)
    running += 1
    clearTimeout(watch)
    try {
      return await send(sql, parameters)
    } finally {
      running -= 1
      if (running === 0 && refuse === undefined) startWatch()
    }
  }
  startWatch()
  return {
    session: {
      query: async <Row>(sql: string, parameters?: readonly unknown[]) => rowsOf(await ask(sql, parameters)) as Row[],
      execute: async (sql, parameters) => changedOf(await ask(sql, parameters)),
    },
    evicted,
    end() {
      clearTimeout(watch)
      refuse ??= ended
    },
  }
}

const ended = (): Error => sqlSessionProblems.closed.create('The transaction of this session has ended')
