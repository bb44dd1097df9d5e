import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { testTitles } from './test-titles.ts'

const source = readFileSync(new URL('./fixtures/titles.ts.txt', import.meta.url), 'utf8')

it('reads the titles of tests and groups, tables included, and leaves skipped ones out', () => {
  expect(testTitles(source)).toEqual([
    'AAA-R1 a plain title',
    "AAA-R2 a title with an escaped \\' quote",
    'AAA-R3 AAA-R4 a group',
    'AAA-R5 a row: %s',
    'AAA-R6 only where the condition holds',
    'AAA-R7 a title on its own line',
  ])
})
