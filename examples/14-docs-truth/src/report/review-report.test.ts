import { expect, test } from 'vitest'
import { packFolder } from '../bundle/pack-folder.ts'
import { PLANTED_LIES, runEngine } from '../testing/run-engine.ts'
import type { Evidence } from '../checkers/verdict.ts'
import type { Report, ReportItem } from './report.ts'
import { reviewAndRevise, reviewReport, reviseReport } from './review-report.ts'

const bundle = packFolder(PLANTED_LIES)
const report = runEngine(bundle)
const lie = report.items.find((item) => item.verdict === 'false' && item.fix !== undefined) as ReportItem

const withItem = (change: Partial<ReportItem>): Report => ({
  ...report,
  items: report.items.map((item) => (item.key === lie.key ? { ...item, ...change } : item)),
})

test('a report of the engine has nothing to reject', () => {
  expect(reviewReport(bundle, report).rejected).toEqual([])
})

test.each<readonly [string, Partial<ReportItem>]>([
  ['a false without evidence', { evidence: [] }],
  ['a quote that is not there', { quote: 'Something else.' }],
  ['a quote on another line', { line: 1 }],
  ['a line beyond the end', { line: 10_000 }],
  ['a file that is not in the bundle', { file: '../../etc/passwd' }],
  [
    'evidence with other bytes',
    { evidence: [{ type: 'line', file: 'package.json', line: 3, quote: '"version": "9.9.9"' }] },
  ],
  ['a name that is there', { evidence: [{ type: 'name', path: 'README.md', isThere: false }] }],
  ['a name that is not there', { evidence: [{ type: 'name', path: 'gone.md', isThere: true }] }],
  ['a word that code holds', { evidence: [{ type: 'absent-word', word: 'HARBOUR_PORT' }] }],
  ['an anchor that is there', { evidence: [{ type: 'absent-anchor', file: 'README.md', anchor: 'quick-start' }] }],
  ['a fix of another place', { fix: { file: 'README.md', start: 0, end: 5, replacement: 'x' } }],
  ['a fix of another file', { fix: { file: 'package.json', start: 0, end: 1, replacement: 'x' } }],
  [
    'a fix with a line break',
    { fix: { file: lie.file, start: lie.fix?.start ?? 0, end: lie.fix?.end ?? 0, replacement: 'a\nb' } },
  ],
])('the reviewer rejects %s', (_name, change) => {
  const { rejected } = reviewReport(bundle, withItem(change))
  expect(rejected.map((entry) => entry.key)).toEqual([lie.key])
})

test('what is rejected becomes unchecked and stays listed, without fix', () => {
  const changed = withItem({ evidence: [] as readonly Evidence[] })
  const revised = reviewAndRevise(bundle, changed)
  const item = revised.items.find(({ key }) => key === lie.key)
  expect(item).toMatchObject({ verdict: 'unchecked', because: 'ambiguous' })
  expect(item?.fix).toBeUndefined()
  expect(revised.counts.false).toBe(report.counts.false - 1)
  expect(revised.counts.unchecked).toBe(report.counts.unchecked + 1)
  expect(revised.rejected).toEqual([{ key: lie.key, reason: 'a false without evidence' }])
  expect(reviewReport(bundle, revised).rejected).toEqual([])
})

test('a sentence of the answer or of a model without its bytes is left out', () => {
  const made = { file: 'README.md', line: 1, quote: 'Nobody wrote this.' }
  const changed: Report = {
    ...report,
    answer: { ...report.answer, sentences: [made, ...report.answer.sentences] },
    suspects: [{ ...made, reason: 'x' }],
  }
  const { rejected } = reviewReport(bundle, changed)
  expect(rejected.map((entry) => entry.key)).toEqual(['answer:1', 'suspect:1'])
  const revised = reviseReport(changed, rejected)
  expect(revised.answer.sentences).toEqual(report.answer.sentences)
  expect(revised.suspects).toEqual([])
})
