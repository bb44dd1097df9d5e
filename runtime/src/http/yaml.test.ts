import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { toYaml } from './yaml.ts'

it('reads back as what it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      expect(parse(toYaml(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: 2000 },
  )
  for (const word of ['yes', 'NULL', '0x1', '1.0', '-', '~', '', ' a', 'a: b', '# a', '.inf', '\u2028', '2026-01-01'])
    expect(parse(toYaml({ [word]: [word, { [word]: word }] }))).toEqual({ [word]: [word, { [word]: word }] })
})

it('is in blocks that people read', () => {
  const document = { asyncapi: '3.1.0', tags: [{ name: 'a', of: [] }, 'b'], deep: { er: { is: true } } }
  expect(toYaml(document)).toBe(
    ['asyncapi: "3.1.0"', 'tags:', '  - name: a', '    of: []', '  - b', 'deep:', '  er:', '    is: true', ''].join(
      '\n',
    ),
  )
})
