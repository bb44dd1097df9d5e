import { AsyncLocalStorage } from 'node:async_hooks'
import type { SqlSession } from '@soma/kernel'

const current = new AsyncLocalStorage<{ open: boolean }>()

/**
 * Throws when called inside a database transaction. Every client call asks this first: the embedded engine has one session,
 * so a transaction that waits for anything but SQL stops the platform, and on Postgres it holds row locks over a network call.
 */
export function assertOutsideTransaction(what: string): void {
  if (current.getStore()?.open)
    throw new Error(`${what} was called inside a database transaction: commit first, then call`)
}

/**
 * Runs `work` in a session that watches itself: when the event loop turns while no statement is pending and `work` has not ended, `work` waits for
 * something else than SQL (a timer, a fetch, a file), and the transaction is rolled back with an error. Statements after the end are refused.
 */
export async function guardTransaction<T>(session: SqlSession, work: (session: SqlSession) => Promise<T>): Promise<T> {
  const state = { open: true }
  let pending = 0
  let fail: (error: Error) => void = () => {}
  const violation = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  const watch = () =>
    setImmediate(() => {
      if (state.open && pending === 0)
        fail(new Error('a transaction waited for something else than SQL: do all other waiting before or after it'))
    })
  const track = async <R>(statement: () => Promise<R>): Promise<R> => {
    if (!state.open) throw new Error('a statement was sent after its transaction had ended: await every statement')
    pending += 1
    try {
      return await statement()
    } finally {
      pending -= 1
      watch()
    }
  }
  const guarded: SqlSession = {
    query: (sql, parameters) => track(() => session.query(sql, parameters)),
    execute: (sql, parameters) => track(() => session.execute(sql, parameters)),
  }
  watch()
  try {
    return await Promise.race([current.run(state, () => work(guarded)), violation])
  } finally {
    state.open = false
    violation.catch(() => undefined)
  }
}
