import { expect, test } from 'vitest'
import { editDistance, onlyNearest } from './nearest.ts'

test('a swap of neighbours is one edit and the limit cuts', () => {
  expect(editDistance('prot', 'port')).toBe(1)
  expect(editDistance('abc', 'abc')).toBe(0)
  expect(editDistance('kitten', 'sitting')).toBe(3)
  expect(editDistance('abcdefgh', 'zyxwvuts', 2)).toBe(3)
})

test.each<readonly [string, readonly string[], string | undefined]>([
  ['test:units', ['test', 'test:unit', 'build'], 'test:unit'],
  ['build:all', ['build:js', 'build'], undefined],
  ['wasm:build', ['build', 'test'], undefined],
  ['quick-start-guide', ['quick-start', 'usage'], 'quick-start'],
  ['HARBOUR_DATABSE_PATH', ['HARBOUR_DATABASE_PATH', 'HARBOUR_PORT'], 'HARBOUR_DATABASE_PATH'],
  ['tests', ['testa', 'testb'], undefined],
  ['migrate', ['db:migrate'], undefined],
])('%s among %s means %s', (name, candidates, expected) => {
  expect(onlyNearest(name, candidates)).toBe(expected)
})
