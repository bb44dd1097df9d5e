import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { UsageError } from './failure.ts'
import { readValue } from './read-value.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-value-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('reads JSON and YAML by content, from the flag or a file', async () => {
  const file = join(folder, 'order.yaml')
  writeFileSync(file, 'amount: 3\nlines:\n  - a\n')
  expect(await readValue('{"amount": 3}')).toEqual({ amount: 3 })
  expect(await readValue('amount: 3')).toEqual({ amount: 3 })
  expect(await readValue(`@${file}`)).toEqual({ amount: 3, lines: ['a'] })
})

it('names file, line and column of a mistake, with the line and a caret', async () => {
  const file = join(folder, 'broken.json')
  writeFileSync(file, '{\n  "amount": 3,\n  "lines": [\n}')
  const error = await readValue(`@${file}`).catch((thrown: unknown) => thrown as Error)
  expect(error).toBeInstanceOf(UsageError)
  expect((error as Error).message).toMatch(/broken\.json is neither JSON nor YAML: .* line 4, column 1:\n.*\n}\n\^$/s)
})

it('names a file that is not there', async () => {
  await expect(readValue('@/nowhere/at-all.json')).rejects.toThrow('/nowhere/at-all.json cannot be read (ENOENT)')
})
