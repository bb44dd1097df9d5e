import type { EventBus } from '@soma/kernel'
import { createMemoryLog } from '@soma/kernel/testing'
import { describe, expect, it } from 'vitest'
import { createBatchSize } from './batch-size.ts'

/** A log that takes as long as it is told, and fails when told. */
function aBus() {
  const log = createMemoryLog(1)
  const given = { nowMs: 0, lastsMs: 1, fails: false }
  const bus: EventBus = {
    ...log,
    append: async (records) => {
      given.nowMs += given.lastsMs
      if (given.fails) throw new Error('the bus is down')
      return log.append(records)
    },
  }
  const batch = createBatchSize(bus, () => given.nowMs)
  const append = async (times: number, lastsMs: number) => {
    given.lastsMs = lastsMs
    for (let n = 0; n < times; n++) await batch.bus.append([])
    return batch.now()
  }
  const fail = async (times: number) => {
    given.fails = true
    for (let n = 0; n < times; n++) await expect(batch.bus.append([])).rejects.toThrow('the bus is down')
    given.fails = false
    return batch.now()
  }
  return { batch, append, fail }
}

describe('batches of the relay', () => {
  it('EVT-R16 are halved by every error of the bus, to 10, and grow to 1,000 while its p95 is below 100 ms', async () => {
    const { batch, append, fail } = aBus()
    expect(await fail(1)).toBe(batch.now())
    expect(batch.now()).toBe(250)
    expect(await fail(20)).toBe(10)
    expect(await append(1, 99)).toBe(13)
    expect(await append(40, 99)).toBe(1_000)
  })

  it('EVT-R16 stay as they are while the p95 is above, whatever single appends take, and shrink when it is above a second', async () => {
    const { append, fail } = aBus()
    await fail(3)
    await append(20, 200)
    const size = await append(1, 200)
    expect(await append(18, 1)).toBe(size)
    expect(await append(1, 1)).toBeGreaterThan(size)
    const large = await append(20, 1)
    expect(await append(1, 5_000)).toBeGreaterThanOrEqual(large)
    expect(await append(1, 5_000)).toBeLessThan(large)
  })
})
