import { parseVersionRange } from '@soma/kernel'
import * as fc from 'fast-check'
import { satisfies } from 'semver'
import { expect, it } from 'vitest'

const version = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.constantFrom('', '', '', '-alpha', '-alpha.1', '-alpha.beta', '-2', '-10'))
  .map(([major, minor, patch, preRelease]) => `${major}.${minor}.${patch}${preRelease}`)
const part = fc.oneof(fc.nat(3).map(String), fc.constantFrom('x', '*'))
const partial = fc.oneof(
  version,
  part,
  fc.tuple(part, part).map((parts) => parts.join('.')),
  fc.tuple(part, part, part).map((parts) => parts.join('.')),
)
const comparator = fc
  .tuple(fc.constantFrom('', '=', '^', '~', '>=', '>', '<', '<='), fc.constantFrom('', ' '), partial)
  .map(([operator, blank, text]) => (operator === '' ? text : `${operator}${blank}${text}`))
const range = fc
  .array(fc.array(comparator, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 })
  .map((alternatives) => alternatives.map((comparators) => comparators.join(' ')).join(' || '))

it.each([
  ['3.0.0-alpha <3', '3.0.0-alpha'],
  ['0 >0.0.0-alpha', '0.0.0-alpha.beta'],
  ['0.0.0 >0.0.0-alpha', '0.0.0-alpha.beta'],
])('reads %s as npm does for %s', (text, wanted) => {
  expect(parseVersionRange(text)?.(wanted)).toBe(satisfies(wanted, text))
})

it('version ranges of the kernel hold what npm’s semver says they hold', () => {
  fc.assert(
    fc.property(range, version, (text, wanted) => {
      // npm reads a number behind an x in some places and not in others.
      fc.pre(!/[x*]\.\d/.test(text))
      const expected = text.split(' || ').some((alternative) => satisfies(wanted, alternative))
      expect([text, wanted, parseVersionRange(text)?.(wanted)]).toEqual([text, wanted, expected])
    }),
    { numRuns: 5000 },
  )
})
