import type { LogRecord } from '@soma/kernel'
import { describe, expect, it } from 'vitest'
import { createRing } from './ring.ts'

const at = (position: number, text = 'x'): LogRecord => ({
  topic: 'memory',
  part: 0,
  segment: 1,
  position,
  recordedAt: new Date(0),
  tenantId: 'a',
  eventId: String(position),
  type: 't.t',
  key: 'k',
  userId: null,
  envelope: text,
})
const after = (position: number) => ({ segment: 1, position })
const positions = (records: readonly LogRecord[] | undefined) => records?.map((record) => record.position)

describe('the ring of a partition', () => {
  it('serves what follows a place, and nothing at the head', () => {
    const ring = createRing(after(10), { records: 100, characters: 1_000 })
    expect(positions(ring.offer([at(11), at(12), at(13)]))).toEqual([11, 12, 13])
    expect(positions(ring.read(after(11), 10))).toEqual([12, 13])
    expect(positions(ring.read(after(10), 2))).toEqual([11, 12])
    expect(ring.read(after(13), 10)).toEqual([])
  })

  it('keeps back what comes before its turn until the gap is filled', () => {
    const ring = createRing(after(0), { records: 100, characters: 1_000 })
    expect(ring.offer([at(2)])).toEqual([])
    expect(ring.hasGap()).toBe(true)
    expect(ring.head().position).toBe(0)
    expect(positions(ring.offer([at(1)]))).toEqual([1, 2])
    expect(ring.hasGap()).toBe(false)
  })

  it('takes nothing twice', () => {
    const ring = createRing(after(0), { records: 100, characters: 1_000 })
    ring.offer([at(1), at(2)])
    expect(ring.offer([at(1), at(2)])).toEqual([])
  })

  it('says that a place is older than what it keeps, by number and by size', () => {
    const byNumber = createRing(after(0), { records: 4, characters: 1_000 })
    byNumber.offer(Array.from({ length: 20 }, (_, n) => at(n + 1)))
    expect(byNumber.read(after(3), 10)).toBeUndefined()
    expect(positions(byNumber.read(after(17), 10))).toEqual([18, 19, 20])
    const bySize = createRing(after(0), { records: 100, characters: 25 })
    bySize.offer([at(1, 'x'.repeat(10)), at(2, 'x'.repeat(10)), at(3, 'x'.repeat(10))])
    expect(bySize.read(after(0), 10)).toBeUndefined()
    expect(positions(bySize.read(after(1), 10))).toEqual([2, 3])
  })
})
