import { expect, it } from 'vitest'
import { parseVersionRange } from './version-range.ts'

it.each([
  ['^1', '1.9.0', '2.0.0'],
  ['^0.2.3', '0.2.9', '0.3.0'],
  ['~1.2', '1.2.9', '1.3.0'],
  ['1.x', '1.0.0', '0.9.9'],
  ['>=1.2 <3', '2.9.9', '3.0.0'],
  ['1 || 3', '3.1.4', '2.0.0'],
  ['>1.2', '1.3.0', '1.2.9'],
  ['<=1.2.0', '1.2.0', '1.2.1'],
  ['^1.0.0-beta.2', '1.0.0-beta.10', '1.1.0-beta.2'],
  ['*', '0.0.1', '1.0.0-alpha'],
])('%s holds %s and not %s', (text, inside, outside) => {
  const range = parseVersionRange(text)
  expect([range?.(inside), range?.(outside)]).toEqual([true, false])
})

it('refuses what is no range, and holds nothing that is no version', () => {
  for (const text of ['one', '1.2.3.4', '^', '>=', '1 ||', '1,2', '=>1', '01', '1.x.3'])
    expect(parseVersionRange(text)).toBeUndefined()
  expect(parseVersionRange('*')?.('1')).toBe(false)
})
