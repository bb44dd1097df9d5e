import { createPgliteDatabase } from '@soma/adapter-pglite'
import { silentLogger } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { expect, it } from 'vitest'
import { queue } from '../../testing/queue.ts'
import { createTail } from './tail.ts'

const aRecord = (eventId: string) => ({
  topic: 'memory',
  part: 1,
  tenantId: 'tenant-a',
  eventId,
  type: 'thing.done',
  key: 'key',
  userId: null,
  envelope: '{}',
})

it('a record that anybody wrote to an outside bus is heard of by its notice, without a poll, once and in order', async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  const bus = createMemoryLog(2)
  const never = 600_000
  const tail = createTail({ database, bus, log: silentLogger, pollMs: { active: never, idle: never } })
  await tail.start()
  const seen = queue<string>()
  tail.onAppend('memory', (records) => records.forEach((record) => seen.push(record.eventId)))
  await bus.append([aRecord('one'), aRecord('two')])
  const [own] = await bus.append([aRecord('three')])
  tail.offer([{ ...aRecord('three'), ...(own as NonNullable<typeof own>), recordedAt: new Date() }])
  await bus.append([aRecord('four')])
  expect(await seen.take(4)).toEqual(['one', 'two', 'three', 'four'])
  await tail.stop()
  await database.close()
})
