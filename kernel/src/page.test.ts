import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor, toPage } from './page.ts'

const options = { item: (row: number) => row * 10, key: (row: number) => [row, 'é'] }

test('a page names the key of its last item when more follow', () => {
  const page = toPage([1, 2, 3], 2, options)
  expect(page.items).toEqual([10, 20])
  expect(decodeCursor(page.nextCursor as string, 2)).toEqual([2, 'é'])
})

test('the last page has no cursor', () => {
  expect(toPage([1, 2], 2, options).nextCursor).toBeNull()
})

test.each(['%%%', 'bm90IGpzb24', encodeCursor([1])])('%j is no cursor of two parts', (cursor) => {
  expect(decodeCursor(cursor, 2)).toBeUndefined()
})
