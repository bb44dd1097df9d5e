import { createPgliteDatabase } from '@soma/adapter-pglite'
import { on, event, silentLogger } from '@soma/kernel'
import { expect, it, vi } from 'vitest'
import * as z from 'zod'
import { openEventSpine } from '../../../testing/event-spine.ts'
import { until } from '../../../testing/queue.ts'

const tried = event({ type: 'thing.tried', topic: 'business-facts', summary: 'Tried.', data: z.any() })

it('EVT-R16 a group of handlers reads more at once while it lags, less while they fail, and more again when they succeed', async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  const spine = await openEventSpine(database, { partitions: 1 })
  const read = vi.spyOn(spine.tail, 'read')
  const limits = () => read.mock.calls.map(([, , , limit]) => limit)
  const unhandled = (count: number) => spine.publish(...Array.from({ length: count }, () => ({ type: 'thing.passed' })))
  let fails = false
  const seen = new Set<string>()
  const consumer = spine.consumer(
    [
      on(tried, async ({ event: { id } }) => {
        seen.add(id)
        if (fails) throw new Error('no')
      }),
    ],
    { commitEveryMs: 5, backoff: { baseMs: 3_600_000, factor: 1, maxMs: 3_600_000 } },
  )
  const tryTimes = async (count: number) => {
    const before = seen.size
    for (let n = 0; n < count; n++) {
      await spine.publish({ type: 'thing.tried' })
      await until(() => seen.size === before + n + 1)
    }
  }
  for (let batch = 0; batch < 4; batch++) await unhandled(500)
  await consumer.start()
  await until(() => limits().includes(512))
  expect(limits()[0]).toBe(256)

  fails = true
  await tryTimes(30)
  expect(limits().at(-1)).toBe(16)

  fails = false
  await tryTimes(30)
  expect(limits().at(-1)).toBe(16)
  await unhandled(500)
  await until(() => limits().at(-1) === 512)
  await consumer.stop()
  await spine.close()
}, 60_000)
