import type { AppendRecord } from '@soma/kernel'
import { expect, it } from 'vitest'
import { breakThread, createPartitionWriter, type Plan, planAppend } from './partition-writer.ts'

const producer = { producerId: 1n, epoch: 0 }
const records = (...ids: string[]): AppendRecord[] =>
  ids.map((eventId) => ({
    topic: 'memory',
    part: 0,
    tenantId: 't',
    eventId,
    type: 'x',
    key: 'k',
    userId: null,
    envelope: '{}',
  }))
/** A call that failed: what it planned is left with the writer, stored up to `stored` batches. */
function failed(stored: number, ...calls: AppendRecord[][]) {
  const writer = createPartitionWriter({ topic: 'memory', part: 0 }, 0)
  const plans = calls.map((call) => planAppend(writer, call, producer))
  writer.unreported = plans.flatMap(({ items }) => items)
  for (const [index, batch] of plans.flatMap(({ batches }) => batches).entries())
    if (index < stored) batch.offset = index * 10
  return { writer, plans }
}
const idsOf = ({ items }: Plan) => items.map(({ record }) => record.eventId)
const large = (eventId: string) => records(eventId).map((record) => ({ ...record, envelope: 'x'.repeat(400_000) }))

it('records of a failed append are the same batches when they come again: none is encoded anew', () => {
  const { writer, plans } = failed(1, [...large('a'), ...large('b')])
  const again = planAppend(writer, [...large('a'), ...large('b')], producer)
  expect(again.items).toEqual(plans[0]?.items)
  expect(again.batches).toEqual([plans[0]?.batches[1]])
  expect(writer.sequence).toBe(2)
})

it('a part of them first leaves the rest for the next, and new ones follow what is in doubt', () => {
  const { writer, plans } = failed(0, records('a', 'b', 'c', 'd'))
  const half = planAppend(writer, records('a', 'b'), producer)
  expect(idsOf(half)).toEqual(['a', 'b'])
  expect(half.left.map(({ record }) => record.eventId)).toEqual(['c', 'd'])
  expect(half.batches).toEqual(plans[0]?.batches)
  writer.unreported = half.left
  const rest = planAppend(writer, records('c', 'd', 'e'), producer)
  expect(idsOf(rest)).toEqual(['c', 'd', 'e'])
  expect(rest.batches.map(({ count }) => count)).toEqual([4, 1])
  expect(writer.sequence).toBe(5)
})

it('other records are new, behind what is in doubt', () => {
  const { writer } = failed(0, records('a'))
  const other = planAppend(writer, records('z', 'a'), producer)
  expect(idsOf(other)).toEqual(['z', 'a'])
  expect(other.batches.map(({ count }) => count)).toEqual([1, 2])
})

it('after a refusal what is stored stays known, what is in doubt is given up, and numbers begin anew under the next producer', () => {
  const { writer, plans } = failed(1, [...large('a'), ...large('b')])
  breakThread(writer)
  const next = { producerId: 1n, epoch: 1 }
  const again = planAppend(writer, [...large('a'), ...large('b')], next)
  expect(again.items[0]).toBe(plans[0]?.items[0])
  expect(again.batches).toHaveLength(1)
  expect(writer).toMatchObject({ producer: next, sequence: 1 })
})
