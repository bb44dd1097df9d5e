import { expect, it } from 'vitest'
import { instant, integer, list } from './parse-flags.ts'

const NOW = Date.parse('2026-01-31T12:00:00Z')

it('reads times ago and instants as RFC 3339 in UTC', () => {
  expect(instant('10m', NOW)).toBe('2026-01-31T11:50:00.000Z')
  expect(instant('1d', NOW)).toBe('2026-01-30T12:00:00.000Z')
  expect(instant('2026-01-31T13:00:00+01:00', NOW)).toBe('2026-01-31T12:00:00.000Z')
})

it.each(['yesterday', '10', '10 m', '-5m', '2026-13-40T00:00:00Z', ''])('refuses "%s" as a time', (text) => {
  expect(() => instant(text, NOW)).toThrow('Give a time ago')
})

it('refuses numbers that are no whole numbers within the bounds', () => {
  expect(integer(1, 200)('200')).toBe(200)
  for (const text of ['0', '201', '1.5', 'x', '', ' ']) expect(() => integer(1, 200)(text)).toThrow('from 1 to 200')
})

it('splits lists at commas and refuses empty ones', () => {
  expect(list('a, b,,c')).toEqual(['a', 'b', 'c'])
  expect(() => list(' , ')).toThrow('Give one at least')
})
