import type { SqlSession } from '@soma/kernel'
import type { Engine } from './engine.ts'
import type { EngineResult } from './engine-messages.ts'
import { pgliteProblems } from './problems.ts'
import { serialize } from './values.ts'

export interface OpenSession {
  readonly session: SqlSession
  /** Rejects when the session waited too long for a statement. */
  readonly evicted: Promise<never>
  /** After this every statement of the session is refused. */
  end(): void
}

function toObjects(result: EngineResult): Record<string, unknown>[] {
  const { columns } = result
  return result.rows.map((values) => {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < columns.length; index += 1) row[columns[index] as string] = values[index]
    return row
  })
}

/** The session of one transaction, with a watch over the time between its statements. */
export function openSession(engine: Engine, guard: (sql: string) => void, idleTimeoutMs: number): OpenSession {
  let refusal: Error | undefined
  let running = 0
  let watch: NodeJS.Timeout | undefined
  let reject: (reason: Error) => void = () => undefined
  const evicted = new Promise<never>((_, rejectEvicted) => {
    reject = rejectEvicted
  })
  evicted.catch(() => undefined)

  function evict(): void {
    refusal = pgliteProblems.transactionEvicted.create(`No statement for ${idleTimeoutMs} ms inside a transaction`)
    reject(refusal)
  }
  function startWatch(): void {
    watch = setTimeout(evict, idleTimeoutMs)
  }
  async function ask(sql: string, parameters: readonly unknown[] = []): Promise<EngineResult> {
    if (refusal !== undefined) throw refusal
    guard(sql)
    running += 1
    clearTimeout(watch)
    try {
      return await engine.ask({ kind: 'statement', sql, parameters: parameters.map(serialize) })
    } finally {
      running -= 1
      if (running === 0 && refusal === undefined) startWatch()
    }
  }
  startWatch()
  return {
    session: {
      query: async <Row>(sql: string, parameters?: readonly unknown[]) =>
        toObjects(await ask(sql, parameters)) as Row[],
      execute: async (sql, parameters) => (await ask(sql, parameters)).changed,
    },
    evicted,
    end() {
      clearTimeout(watch)
      refusal ??= pgliteProblems.closed.create('The transaction of this session has ended')
    },
  }
}
