import { fileURLToPath } from 'node:url'
import {
  answerQuestion,
  checkStatements,
  composeReport,
  extractStatements,
  packFolder,
  writeReport,
} from '@soma/example-docs-truth'
import { expect, test } from 'vitest'

test('EXA-R9 no statement of our own documents is false, promises in docs/spec apart, and the report says why those are', () => {
  const bundle = packFolder(fileURLToPath(new URL('../..', import.meta.url)))
  const extraction = extractStatements(bundle)
  const verdicts = checkStatements(bundle, extraction.statements)
  const wrong = verdicts.filter(({ verdict }) => verdict === 'false')
  expect(extraction.statements.length).toBeGreaterThan(50)
  expect(
    wrong.map(({ statement, reason }) => `${statement.file}:${statement.line} ${statement.quote}: ${reason}`),
  ).toEqual([])
  expect(extraction.documents.filter((file) => file.startsWith('docs/spec/'))).toEqual([])
  const report = composeReport({ bundle, extraction, verdicts, answer: answerQuestion(bundle) })
  expect(writeReport(bundle, report)['report.md']).toContain('Promises of later versions')
}, 60_000)
