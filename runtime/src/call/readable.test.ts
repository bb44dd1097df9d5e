import { describe, expect, test } from 'vitest'
import { refuseUnreadable } from './readable.ts'

const problemOf = (work: () => void): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

describe('what no part of the platform can keep', () => {
  test('is refused with the place of each NUL and half pair, in values and in names', () => {
    const input = { params: {}, query: { q: '\uD83D' }, body: { a: ['x', '\0'], 'b/c': { '\uDC00': 1 }, ok: '🦊' } }
    expect(problemOf(() => refuseUnreadable(input))).toMatchObject({
      code: 'invalid-request',
      extensions: {
        errors: [
          { pointer: '/query/q', code: 'not-storable' },
          { pointer: '/body/a/1', code: 'not-storable' },
          { pointer: '/body/b~1c', code: 'not-storable' },
        ],
      },
    })
  })

  test('is refused as malformed when it nests deeper than the stack could follow', () => {
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
    expect(problemOf(() => refuseUnreadable({ body: nested(90) }))).toBeUndefined()
    expect(problemOf(() => refuseUnreadable({ body: nested(200_000) }))).toMatchObject({ code: 'malformed-body' })
  })
})
