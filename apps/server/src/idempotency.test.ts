import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, newUuid, silentLogger } from '@soma/kernel'
import { createIdempotencyStore } from '@soma/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testContext } from '../testing/index.ts'
import { migratePlatform } from './migrate.ts'

let database: Database
beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await migratePlatform(database, { modules: [], portsOf: () => ({}) })
})
afterAll(() => database.close())

type StoredAnswer = Awaited<ReturnType<ReturnType<typeof createIdempotencyStore>['once']>>

const encryptionKey = new Uint8Array(32).fill(7)
const aProcess = () => createIdempotencyStore({ database, processId: newUuid(), singleProcess: true, encryptionKey })
const aRequest = (body: unknown = 'a') => ({
  context: testContext(),
  operation: { id: 'notes.notes.create' },
  key: newUuid(),
  body,
})
const answering = (body: string) => async () => ({ status: 201, body })

/** Work that ends when the test says so. */
function pending() {
  let settle = { resolve: (_answer: StoredAnswer) => {}, reject: (_error: Error) => {} }
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const answer = new Promise<StoredAnswer>((resolve, reject) => {
    settle = { resolve, reject }
  })
  const work = () => {
    begin()
    return answer
  }
  return { work, begun, ...settle }
}

test('a claim of a process that is gone is taken over once, and its late end touches nothing of the one that took it', async () => {
  const request = aRequest()
  const [gone, restarted] = [aProcess(), aProcess()]
  const first = pending()
  const lost = gone.once(request, first.work)
  await first.begun
  const second = pending()
  const retried = restarted.once(request, second.work)
  await second.begun
  await expect(restarted.once(request, answering('third'))).rejects.toMatchObject({ code: 'conflict' })

  first.reject(new Error('the connection broke'))
  await expect(lost).rejects.toThrow('the connection broke')
  await expect(restarted.once(request, answering('third'))).rejects.toMatchObject({ code: 'conflict' })

  second.resolve({ status: 201, body: 'second' })
  expect(await retried).toEqual({ status: 201, body: 'second' })
  expect(await restarted.once(request, answering('fourth'))).toEqual({ status: 201, body: 'second' })
})

test('another body is refused and does not take a claim over', async () => {
  const request = aRequest()
  const first = pending()
  const lost = aProcess().once(request, first.work)
  await first.begun
  const restarted = aProcess()
  await expect(restarted.once({ ...request, body: 'b' }, answering('wrong'))).rejects.toMatchObject({
    code: 'idempotency-key-reused',
  })
  expect(await restarted.once(request, answering('right'))).toEqual({ status: 201, body: 'right' })
  first.resolve({ status: 201, body: 'late' })
  await lost
  expect(await restarted.once(request, answering('again'))).toEqual({ status: 201, body: 'right' })
})
