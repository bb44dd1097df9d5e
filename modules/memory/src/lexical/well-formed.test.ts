import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wellFormed } from './well-formed.ts'

describe('wellFormed', () => {
  it('refuses NUL and lone surrogates', () => {
    for (const text of ['\0', 'a\0b', '\ud800', '\udc00', 'a\udc00\ud800b', '\ud83d \ude42'])
      expect(wellFormed(text), JSON.stringify(text)).toBe(false)
  })

  it('takes what UTF-8 can hold, and only that', () => {
    expect(wellFormed('🙂 é 字 \u0001 \uffff')).toBe(true)
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }), (text) => {
        const survives = Buffer.from(text, 'utf8').toString('utf8') === text
        expect(wellFormed(text)).toBe(survives && !text.includes('\0'))
      }),
    )
  })
})
