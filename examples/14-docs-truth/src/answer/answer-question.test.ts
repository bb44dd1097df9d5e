import { expect, test } from 'vitest'
import { packFolder } from '../bundle/pack-folder.ts'
import { aFolder } from '../testing/a-folder.ts'
import { PLANTED_LIES } from '../testing/run-engine.ts'
import { answerQuestion } from './answer-question.ts'

const bundle = packFolder(PLANTED_LIES)

test('the usual question is answered with exact bytes of the documents and their lines', () => {
  const { sentences } = answerQuestion(bundle)
  expect(sentences[0]).toEqual({
    quote: 'Harbour Kit gives every arriving ship a berth that is long enough, with the tide taken into account.',
    file: 'README.md',
    line: 3,
  })
  expect(sentences.map((sentence) => sentence.quote)).toContain('Requires npm 10.2 or later.')
  for (const { file, line, quote } of sentences) {
    const text = bundle.read(file) ?? ''
    expect(
      text
        .split('\n')
        .slice(line - 1)
        .join('\n')
        .indexOf(quote),
    ).toBeGreaterThanOrEqual(0)
  }
})

test('a question about one thing is answered from its place', () => {
  const [first] = answerQuestion(bundle, 'Where is the file of the backup script?').sentences
  expect(first?.file).toBe('docs/operations.md')
})

test('a question that no document speaks about has no answer', () => {
  expect(answerQuestion(bundle, 'Who won the chess championship in Reykjavik?').sentences).toEqual([])
  expect(answerQuestion(packFolder(aFolder())).sentences).toEqual([])
})

test('a question over 500 characters is refused', () => {
  expect(() => answerQuestion(bundle, 'x'.repeat(501))).toThrow(expect.objectContaining({ code: 'input-invalid' }))
})
