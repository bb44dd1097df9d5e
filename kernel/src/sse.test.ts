import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSseParser, formatSse } from './sse.ts'

const STREAM = '\uFEFF: open\n\nid: 1\nevent: plan\ndata: {"a":\ndata: 1}\n\ndata: bare\n\nid: 2\nevent: x\ndata\n\n'
const EXPECTED = [
  { id: '1', event: 'plan', data: '{"a":\n1}' },
  { id: '1', event: 'message', data: 'bare' },
  { id: '2', event: 'x', data: '' },
]

test.each(['\n', '\r', '\r\n'])('reads lines that end in %j', (end) => {
  expect(createSseParser()(STREAM.replaceAll('\n', end))).toEqual(EXPECTED)
})

test('reads the same whatever the chunks', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('\n', '\r', '\r\n'),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (end, sizes) => {
        const text = STREAM.replaceAll('\n', end)
        const parse = createSseParser()
        const messages = []
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const size = sizes[turn % sizes.length] as number
          messages.push(...parse(text.slice(at, at + size)))
          at += size
        }
        expect(messages).toEqual(EXPECTED)
      },
    ),
  )
})

test('reads what it writes', () => {
  expect(createSseParser()(formatSse({ id: 'c', event: 'gap', data: { text: 'a\nb' } }))).toEqual([
    { id: 'c', event: 'gap', data: '{"text":"a\\nb"}' },
  ])
})
