import { fileURLToPath } from 'node:url'
import { checkStatements, extractStatements, packFolder } from '@soma/example-docs-truth'
import { expect, test } from 'vitest'

test('no statement of our own documents is false, promises in docs/spec apart', () => {
  const bundle = packFolder(fileURLToPath(new URL('../..', import.meta.url)))
  const { statements } = extractStatements(bundle)
  const wrong = checkStatements(bundle, statements).filter(({ verdict }) => verdict === 'false')
  expect(statements.length).toBeGreaterThan(50)
  expect(
    wrong.map(({ statement, reason }) => `${statement.file}:${statement.line} ${statement.quote}: ${reason}`),
  ).toEqual([])
}, 60_000)
