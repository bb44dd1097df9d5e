import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutPassages } from './cut-passages.ts'
import { estimateTokens } from './estimate-tokens.ts'

const size = { tokens: 50, overlap: 0 }
const sentence = (index: number) => `Sentence number ${index} says a little about ships and owls.`
const prose = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => sentence(from + index)).join(' ')

describe('cutPassages', () => {
  it('keeps a short text whole, and nothing of an empty one', () => {
    expect(cutPassages('One.\n\n- a list\n  - of two', size)).toEqual([
      { text: 'One.\n\n- a list\n  - of two', ordinal: 0 },
    ])
    expect(cutPassages(' \n\n\t\r\n', size)).toEqual([])
  })

  it('begins a passage at each heading and tells the heading, but not for # in code', () => {
    const text = 'Before.\n\n# Ships ##\nThey sail.\n\n```sh\n# no heading\n```\n## Owls\r\nThey fly.\n####### Seven'
    expect(cutPassages(text, size)).toEqual([
      { text: 'Before.', ordinal: 0 },
      { text: '# Ships ##\nThey sail.\n\n```sh\n# no heading\n```', ordinal: 1, heading: 'Ships' },
      { text: '## Owls\nThey fly.\n####### Seven', ordinal: 2, heading: 'Owls' },
    ])
  })

  it('fills passages with whole sentences', () => {
    const passages = cutPassages(prose(1, 9), size)
    expect(passages.map(({ text }) => text)).toEqual([prose(1, 3), prose(4, 6), prose(7, 9)])
    expect(passages.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2])
  })

  it('repeats the last sentences where an overlap is wanted, under the same heading alone', () => {
    const passages = cutPassages(`${prose(1, 5)}\n# Next\n${prose(6, 6)}`, { tokens: 50, overlap: 20 })
    expect(passages.map(({ text }) => text)).toEqual([prose(1, 3), prose(3, 5), `# Next\n${prose(6, 6)}`])
  })

  it('cuts a sentence that is too long between words, and a word between characters', () => {
    const long = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ')
    const passages = cutPassages(long, size)
    expect(passages.map(({ text }) => text).join(' ')).toBe(long)
    const wide = cutPassages('𝒳'.repeat(200), size).map(({ text }) => text)
    expect(wide.join('').replaceAll(' ', '')).toBe('𝒳'.repeat(200))
  })

  it('cuts Chinese at its full stops', () => {
    const [first] = cutPassages('记忆装置保存事实和经验。'.repeat(10), size)
    expect(first?.text).toBe('记忆装置保存事实和经验。'.repeat(4))
  })

  it('changes only the passages of the section that changed', () => {
    const section = (name: string, from: number) => `# ${name}\n${prose(from, from + 8)}\n`
    const before = [section('A', 1), section('B', 20), section('C', 40)].join('\n')
    const after = before.replace('number 24', 'number twenty-four')
    const texts = (text: string) => cutPassages(text, { tokens: 50, overlap: 15 }).map(({ text }) => text)
    const isOfB = (text: string) => /number (?:2|twenty)/.test(text)
    expect(texts(after).filter(isOfB)).not.toEqual(texts(before).filter(isOfB))
    expect(texts(after).filter((text) => !isOfB(text))).toEqual(texts(before).filter((text) => !isOfB(text)))
  })

  it('loses no word and passes no limit, whatever the text', () => {
    const piece = fc.constantFrom(
      'word ',
      'ab',
      '.',
      '! ',
      '\n',
      '\n\n',
      '# ',
      '```\n',
      '。',
      '字',
      '🙂',
      ' ',
      'é',
      '\t',
      '")',
    )
    const text = fc.array(piece, { maxLength: 600 }).map((pieces) => pieces.join(''))
    const sizes = fc.record({ tokens: fc.integer({ min: 50, max: 1_000 }), overlap: fc.nat(200) })
    fc.assert(
      fc.property(text, sizes, (text, sizes) => {
        const passages = cutPassages(text, sizes)
        expect(passages.map(({ ordinal }) => ordinal)).toEqual([...passages.keys()])
        for (const { text } of passages) expect(estimateTokens(text)).toBeLessThanOrEqual(sizes.tokens)
        const letters = (texts: readonly string[]) => texts.join('').replaceAll(/\s/g, '')
        const whole = cutPassages(text, { ...sizes, overlap: 0 }).map(({ text }) => text)
        expect(letters(whole)).toBe(letters([text]))
      }),
    )
  })

  it.each([
    ['spaces', ' '],
    ['line ends', '\n '],
    ['full stops', '. '],
    ['hashes', '#'],
    ['headings', '# # a\n'],
    ['one word', 'a'],
    ['one line of words', 'word '],
    ['Chinese', '字'],
  ])('takes time in proportion to its text: 1 MiB of %s', (_, piece) => {
    const text = `# ${piece.repeat(2 ** 20 / Buffer.byteLength(piece))}x`
    expect(cutPassages(text, { tokens: 300, overlap: 40 }).at(-1)?.text.endsWith('x')).toBe(true)
  })
})
