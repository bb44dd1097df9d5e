import { setTimeout as pause } from 'node:timers/promises'
import type { SqlSession } from '@soma/kernel'
import { expect, test } from 'vitest'
import { assertOutsideTransaction, guardTransaction } from './transaction-guard.ts'

/** A session whose statements take a turn of the event loop, as a real one's do. */
const session: SqlSession = {
  query: async () => {
    await pause(2)
    return []
  },
  execute: async () => 0,
}

test('statements, one after another or at once, are what a transaction may wait for', async () => {
  const rows = await guardTransaction(session, async (tx) => {
    await tx.query('select 1')
    await Promise.all([tx.query('select 1'), tx.query('select 1')])
    return tx.query('select 1')
  })
  expect(rows).toEqual([])
})

test('waiting for a timer ends the transaction with an error', async () => {
  await expect(guardTransaction(session, () => pause(5))).rejects.toThrow('waited for something else than SQL')
  await expect(
    guardTransaction(session, async (tx) => {
      await tx.query('select 1')
      await pause(5)
    }),
  ).rejects.toThrow('waited for something else than SQL')
})

test('a statement after the end is refused', async () => {
  let late: Promise<unknown> = Promise.resolve()
  await guardTransaction(session, async (tx) => {
    late = pause(5).then(() => tx.query('select 1'))
  })
  await expect(late).rejects.toThrow('after its transaction had ended')
})

test('a client call inside a transaction is refused, before and after it is allowed', async () => {
  assertOutsideTransaction('plans.plans.get')
  await expect(guardTransaction(session, async () => assertOutsideTransaction('plans.plans.get'))).rejects.toThrow(
    'plans.plans.get was called inside a database transaction',
  )
  assertOutsideTransaction('plans.plans.get')
})
