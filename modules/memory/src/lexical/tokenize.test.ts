import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { queryTerms, tokenize } from './tokenize.ts'

describe('tokenize', () => {
  it('takes accents, compatibility forms and case away', () => {
    expect(tokenize('Ｃａｆé ÀÉÎ ﬁn straße Ελλάδα שָׁלוֹם', 'de')).toEqual('cafe aei fin straße ελλαδα שלום'.split(' '))
    expect(tokenize('e\u0301', 'fr')).toEqual(tokenize('é', 'fr'))
  })

  it('keeps vowel signs of scripts where they are letters', () => {
    expect(tokenize('हिन्दी की किताब', 'hi')).toEqual(['हिन्दी', 'की', 'किताब'])
  })

  it('splits camelCase and snake_case, and keeps camelCase whole beside its parts', () => {
    expect(tokenize('memoryItem HTTPServer snake_case_name kebab-case v2', 'la')).toEqual(
      'memory item memoryitem http server httpserver snake case name kebab case v2'.split(' '),
    )
    expect(queryTerms('iphone', 'en').every((term) => tokenize('my iPhone', 'en').includes(term))).toBe(true)
  })

  it('keeps numbers with points whole and drops possessives and apostrophes', () => {
    expect(tokenize("3.14, 1,500. Alice's don’t 'quoted'", 'la')).toEqual(['3.14', '1,500', 'alice', 'dont', 'quoted'])
  })

  it('cuts Chinese, Japanese and Korean into pairs, Thai by its dictionary', () => {
    expect(tokenize('記憶装置とAI 字', 'ja')).toEqual(['記憶', '憶装', '装置', '置と', 'ai', '字'])
    expect(tokenize('기억 장치', 'ko')).toEqual(['기억', '장치'])
    expect(tokenize('ภาษาไทย', 'th')).toEqual(['ภาษา', 'ไทย'])
  })

  it('takes endings off where the language is English', () => {
    const [singular, plural] = ['running meeting', 'runs meetings'].map((text) => tokenize(text, 'en-GB'))
    expect(singular).toEqual(plural)
    expect(tokenize('meetings', 'english')).toEqual(['meetings'])
    expect(tokenize('meetings', 'nl')).toEqual(['meetings'])
  })

  it('keeps repetitions, stop words and order, and finds nothing in signs and emoji', () => {
    expect(tokenize('to be or not to be', 'en')).toEqual(['to', 'be', 'or', 'not', 'to', 'be'])
    expect(tokenize('🙂🎉 … !?* -- (.*)+ \u0000', 'en')).toEqual([])
  })

  it('makes terms that the database can store and that are their own terms', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 60, max: 70 }).map((length) => `${'a'.repeat(length)}𝒳𐐷𐐷𐐷`),
    )
    fc.assert(
      fc.property(texts, fc.constantFrom('en', 'de', 'th', 'not a language!'), (text, language) => {
        for (const term of tokenize(text, language)) {
          expect(term).not.toBe('')
          expect(term.length).toBeLessThanOrEqual(64)
          expect(term).not.toMatch(/[\0\p{Surrogate}\p{White_Space}]/u)
        }
      }),
    )
  })

  it.each([
    ['English', 'the quick brown fox jumps '],
    ['one word', 'a'],
    ['single letters', 'a '],
    ['many words', (index: number) => `w${index.toString(36).padStart(5, '0')} `],
    ['camelCase', 'aA'],
    ['accents', 'a\u0301\u0316'],
    ['vowel signs', '\u094d\u093c'],
    ['ligatures', '\ufdfa'],
    ['Thai', 'ภาษาไทยไม่มีช่องว่าง'],
    ['one Thai letter', 'ก'],
    ['Chinese', '漢字仮名交じり文'],
    ['apostrophes', "'"],
    ['numbers', '1.1,'],
    ['signs', '!.,'],
    ['compounds', 'a_b-'],
    ['endings', 'ational'],
  ])(
    'takes time in proportion to its text: 2 MiB of %s are done long before the timeout, its square is not',
    (_, piece) => {
      expect(tokenize(filled(2 ** 21, piece), 'en').length).toBeLessThan(2 ** 22)
    },
  )
})

describe('queryTerms', () => {
  it('leaves stop words out and names each term once, in order', () => {
    expect(queryTerms("What was Alice's cat called? The cat of Alice!", 'en')).toEqual(['alic', 'cat', 'call'])
  })

  it('is empty for a query that says nothing', () => {
    for (const query of ['what did you do to me', '', '🙂', '...'] as const)
      expect(queryTerms(query, 'en'), query).toEqual([])
  })

  it('knows stop words of English alone', () => {
    expect(queryTerms('die Katze', 'de')).toEqual(['die', 'katze'])
  })
})

/** A text of so many bytes. */
function filled(size: number, piece: string | ((index: number) => string)): string {
  if (typeof piece === 'string') return piece.repeat(size / Buffer.byteLength(piece))
  return Array.from({ length: size / Buffer.byteLength(piece(0)) }, (_, index) => piece(index)).join('')
}
