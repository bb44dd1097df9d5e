import { TOPICS } from '@soma/kernel'
import { expect, it } from 'vitest'
import { CURSOR_CHARACTERS, decodeTailCursor, encodeTailCursor, type TailPositions } from './tail-cursor.ts'

/** A start of its own for each topic, and partitions up to `spread` above it. */
const positionsOf = (topics: number, partitions: number, { start, spread }: { start: number; spread: number }) =>
  new Map(
    TOPICS.slice(0, topics).map((topic, index) => [
      topic,
      Array.from({ length: partitions }, (_, part) => start + index + (part === 0 ? 0 : spread - part)),
    ]),
  ) satisfies TailPositions

it.each([
  [1, 1, 0, 1],
  [1, 16, 0, 17],
  [12, 16, 2 ** 40, 2 ** 27],
  [1, 256, 2 ** 31, 2 ** 23],
  [12, 1, 2 ** 47, 2 ** 20],
  [2, 3, 5, 2 ** 45],
])(
  'a cursor of %i topics with %i partitions is read as it was written, within its bound',
  (topics, partitions, start, spread) => {
    const positions = positionsOf(topics, partitions, { start, spread })
    const cursor = encodeTailCursor(positions)
    expect(cursor.length).toBeLessThanOrEqual(CURSOR_CHARACTERS)
    expect(decodeTailCursor(cursor)).toEqual(positions)
  },
)

it('what is cut or changed is no cursor, or one of other places', () => {
  const positions = positionsOf(2, 4, { start: 1_000, spread: 77 })
  const cursor = encodeTailCursor(positions)
  for (let length = 0; length < cursor.length - 1; length++)
    expect(decodeTailCursor(cursor.slice(0, length))).not.toEqual(positions)
  for (const text of ['', '*', 'AA', cursor.slice(0, 10), `A${cursor}`]) expect(decodeTailCursor(text)).toBeUndefined()
})
