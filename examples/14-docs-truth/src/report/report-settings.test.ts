import { expect, test } from 'vitest'
import { packFolder } from '../bundle/pack-folder.ts'
import { aFolder } from '../testing/a-folder.ts'
import { runEngine } from '../testing/run-engine.ts'
import { parseReportSettings } from './report-settings.ts'
import { writeReport } from './write-report.ts'

test.each([
  ['an unknown key', 'excludes: []', 'excludes'],
  ['an unknown key inside', 'accept:\n  - file: a.md\n    quote: x\n    why: y\n    reason: z', 'why'],
  ['a reason that is missing', 'exclude:\n  - path: docs/', 'exclude.0.reason'],
  ['an empty reason', 'exclude:\n  - path: docs/\n    reason: "  "', 'exclude.0.reason'],
  ['another type', 'exclude: docs', 'exclude'],
  ['text that is not YAML', 'exclude: [', 'YAML'],
])('%s is refused by name', (_name, text, named) => {
  expect(() => parseReportSettings(text)).toThrow(
    expect.objectContaining({ code: 'report-settings-invalid', message: expect.stringContaining(named) }),
  )
})

test('an empty file excludes and accepts nothing', () => {
  expect(parseReportSettings('')).toEqual({ exclude: [], accept: [] })
})

test('EXA-R9 accepted statements, unused acceptances and exclusions are shown with their reasons and are no lies', () => {
  const folder = aFolder({
    'README.md': 'The parser is `src/parser.js`.\nThe lexer is `src/lexer.js`.\n',
    'src/a.js': '',
    'docs/spec/x.md': 'See `src/none.js`.',
    'soma-report.yaml': [
      'exclude:',
      '  - path: docs/spec/',
      '    reason: promises',
      'accept:',
      '  - file: README.md',
      '    quote: src/parser.js',
      '    reason: it lands next week',
      '  - file: README.md',
      '    quote: src/other.js',
      '    reason: it was there once',
    ].join('\n'),
  })
  const bundle = packFolder(folder)
  const report = runEngine(bundle)
  expect(report.counts).toMatchObject({ accepted: 1, false: 1 })
  const { 'report.md': text } = writeReport(bundle, report)
  for (const shown of ['it lands next week', 'it was there once', 'promises', 'docs/spec'])
    expect(text).toContain(shown)
})
