import { expect, test } from 'vitest'
import { keyOf, partitionOf } from './envelope.ts'

test('the key is the first of partitionkey, planid, sessionid, correlationid, id', () => {
  const all = { id: 'e', partitionkey: 'k', planid: 'p', sessionid: 's', correlationid: 'c' }
  expect(keyOf(all)).toBe('k')
  expect(keyOf({ id: 'e', planid: 'p', sessionid: 's', correlationid: 'c' })).toBe('p')
  expect(keyOf({ id: 'e', sessionid: 's', correlationid: 'c' })).toBe('s')
  expect(keyOf({ id: 'e', correlationid: 'c' })).toBe('c')
  expect(keyOf({ id: 'e' })).toBe('e')
})

test('a partition is FNV-1a-32 of tenant, NUL and key', () => {
  expect(partitionOf('', '', 2 ** 31)).toBe(0x050c5d1f)
  expect(partitionOf('tenant-a', 'plan-7', 16)).toBe(partitionOf('tenant-a', 'plan-7', 16))
})

test('tenant and key cannot run into each other', () => {
  expect(partitionOf('ab', 'c', 2 ** 31)).not.toBe(partitionOf('a', 'bc', 2 ** 31))
})

test('keys spread over all partitions', () => {
  const counts = Array.from({ length: 16 }, () => 0)
  for (let index = 0; index < 16_000; index++)
    counts[partitionOf('t', `plan-${index}`, 16)] = (counts[partitionOf('t', `plan-${index}`, 16)] ?? 0) + 1
  expect(Math.min(...counts)).toBeGreaterThan(700)
})
