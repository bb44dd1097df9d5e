import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor, toPage } from './page.ts'

const options = { item: (row: number) => row * 10, key: (row: number) => [row, 'é'] }

test('a page names the key of its last item when more follow', () => {
  const page = toPage([1, 2, 3], 2, options)
  expect(page.items).toEqual([10, 20])
  expect(decodeCursor(page.nextCursor as string, ['integer', 'text'])).toEqual([2, 'é'])
})

test('the last page has no cursor', () => {
  expect(toPage([1, 2], 2, options).nextCursor).toBeNull()
})

test.each([
  '%%%',
  'bm90IGpzb24',
  encodeCursor([1]),
  encodeCursor(['yesterday', 'x']),
  encodeCursor(['0000-01-01T00:00:00Z', 'x']),
  encodeCursor(['2026-01-01T00:00:00Z', 'a\0b']),
])('%j is no cursor of a time and a text', (cursor) => {
  expect(() => decodeCursor(cursor, ['time', 'text'])).toThrow('not one of this list')
})
