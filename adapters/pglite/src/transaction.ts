import type { Logger, SqlSession } from '@soma/kernel'
import { createStatementGuard, type Statement } from '@soma/kernel/sql-session'
import type { Engine } from './engine.ts'
import type { EngineHost } from './engine-host.ts'
import { openEngineSession } from './session.ts'

export interface TransactionOptions {
  readonly host: EngineHost
  readonly log: Logger
  readonly idleTimeoutMs: number
}

export type RunTransaction = <T>(opening: Statement, work: (session: SqlSession) => Promise<T>) => Promise<T>

async function rollBack(engine: Engine, log: Logger): Promise<void> {
  try {
    await engine.ask({ kind: 'rollback' })
  } catch (error) {
    log.error('a rollback failed', { error })
  }
}

/** Transactions on the only session. BEGIN and the scope are sent without waiting, so the first statement follows at once. */
export function createTransactions({ host, log, idleTimeoutMs }: TransactionOptions): RunTransaction {
  const guard = createStatementGuard()

  async function run<T>(engine: Engine, opening: Statement, work: (session: SqlSession) => Promise<T>): Promise<T> {
    const begun = engine.ask({ kind: 'begin', ...opening })
    begun.catch(() => undefined)
    const { session, evicted, end } = openEngineSession(engine, guard, idleTimeoutMs)
    try {
      const result = await Promise.race([work(session), evicted])
      await begun
      end()
      await engine.ask({ kind: 'commit' })
      return result
    } catch (error) {
      end()
      await rollBack(engine, log)
      await begun
      throw error
    }
  }

  return (opening, work) => host.use((engine) => run(engine, opening, work))
}
