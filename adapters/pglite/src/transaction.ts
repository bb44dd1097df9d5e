import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger, SqlSession } from '@soma/kernel'
import type { Engine } from './engine.ts'
import type { EngineHost } from './engine-host.ts'
import { pgliteProblems } from './problems.ts'
import type { Statement } from './scope-statement.ts'
import { openSession } from './session.ts'
import { createStatementGuard } from './statement-guard.ts'

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
  const inside = new AsyncLocalStorage<{ open: boolean }>()

  async function run<T>(engine: Engine, opening: Statement, work: (session: SqlSession) => Promise<T>): Promise<T> {
    const begun = engine.ask({ kind: 'begin', ...opening })
    begun.catch(() => undefined)
    const { session, evicted, end } = openSession(engine, guard, idleTimeoutMs)
    const state = { open: true }
    try {
      const result = await Promise.race([inside.run(state, () => work(session)), evicted])
      await begun
      end()
      await engine.ask({ kind: 'commit' })
      return result
    } catch (error) {
      end()
      await rollBack(engine, log)
      await begun
      throw error
    } finally {
      state.open = false
    }
  }

  return async (opening, work) => {
    if (inside.getStore()?.open === true)
      throw pgliteProblems.nestedTransaction.create('This transaction waits for another to finish first')
    return host.use((engine) => run(engine, opening, work))
  }
}
