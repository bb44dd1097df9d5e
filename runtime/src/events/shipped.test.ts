import { createMemoryLog } from '@soma/kernel/testing'
import { describe, expect, it } from 'vitest'
import { createShipped, type WaitingRecord } from './shipped.ts'

const rowOf = (rowId: number, part = 0): WaitingRecord => ({
  rowId,
  topic: 'memory',
  part,
  tenantId: 'a',
  eventId: `e${rowId}`,
  type: 't.t',
  key: 'k',
  userId: null,
  envelope: JSON.stringify({ id: `e${rowId}`, source: '/s' }),
})
const idsOf = (records: readonly WaitingRecord[]) => records.map(({ rowId }) => rowId)

describe('what a relay need not ship', () => {
  it('is what another left at the end of its partition', async () => {
    const bus = createMemoryLog(2)
    await bus.append([rowOf(1), rowOf(2, 1), rowOf(3)])
    const shipped = createShipped(bus, 2)
    expect(idsOf(await shipped.missing([rowOf(1), rowOf(2, 1), rowOf(3), rowOf(4), rowOf(5, 1)]))).toEqual([4, 5])
  })

  it('is what it appended itself when marking failed, and nothing else once that is done', async () => {
    const shipped = createShipped(createMemoryLog(1), 10)
    shipped.appended([rowOf(1), rowOf(2)])
    expect(idsOf(await shipped.missing([rowOf(1), rowOf(2), rowOf(3)]))).toEqual([3])
    shipped.marked([rowOf(1), rowOf(2)])
    expect(idsOf(await shipped.missing([rowOf(1), rowOf(3)]))).toEqual([1, 3])
  })

  it('is not looked for once the outbox was empty', async () => {
    const bus = createMemoryLog(1)
    await bus.append([rowOf(1)])
    const shipped = createShipped(bus, 10)
    shipped.allMarked()
    expect(idsOf(await shipped.missing([rowOf(1)]))).toEqual([1])
  })

  it('is looked for again after an append that failed and may have stored some', async () => {
    const bus = createMemoryLog(1)
    const shipped = createShipped(bus, 10)
    shipped.allMarked()
    await bus.append([rowOf(1)])
    shipped.unsure()
    expect(idsOf(await shipped.missing([rowOf(1), rowOf(2)]))).toEqual([2])
  })

  it('is looked for again when the log could not be read', async () => {
    const bus = createMemoryLog(1)
    await bus.append([rowOf(1)])
    let isAway = true
    const partitions = (topic?: string) => (isAway ? Promise.reject(new Error('away')) : bus.partitions(topic))
    const shipped = createShipped({ ...bus, partitions }, 10)
    await expect(shipped.missing([rowOf(1)])).rejects.toThrow('away')
    isAway = false
    expect(await shipped.missing([rowOf(1)])).toEqual([])
  })
})
