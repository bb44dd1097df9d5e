import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from './json.ts'

test('sorts keys by code units and leaves no white space', () => {
  expect(canonicalJson({ b: 1, a: [true, null, 'é'], '\u20ac': 0, '\ud83d\ude00': 0, '\ufb33': 0 })).toBe(
    '{"a":[true,null,"é"],"b":1,"€":0,"😀":0,"\ufb33":0}',
  )
})

test('equal values have equal text, whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse())
      expect(canonicalJson(reversed)).toBe(canonicalJson(value))
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [10n], [() => 0], [undefined]])('refuses %s', (value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError)
})
