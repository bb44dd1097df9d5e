import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearestWords } from './nearest-words.ts'

describe('nearestWords', () => {
  it.each([
    ['recieve', 'receive'],
    ['adress', 'address'],
    ['alicce', 'alice'],
    ['berln', 'berlin'],
    ['berlim', 'berlin'],
    ['accomodatoin', 'accommodation'],
  ])('takes %s for %s', (word, meant) => {
    expect(nearestWords(word, ['unrelated', meant, 'receiver', 'addresses'])).toBe(meant)
  })

  it('believes two errors from 8 letters on, none under 4 letters', () => {
    expect(nearestWords('kitten', ['sitteen'])).toBeUndefined()
    expect(nearestWords('calender', ['calandar'])).toBe('calandar')
    expect(nearestWords('cot', ['cat'])).toBeUndefined()
    expect(nearestWords('', [''])).toBeUndefined()
  })

  it('takes fewer errors before more, then the earlier candidate', () => {
    expect(nearestWords('calender', ['calandar', 'calendar'])).toBe('calendar')
    expect(nearestWords('words', ['lords', 'wards'])).toBe('lords')
    expect(nearestWords('words', ['lords', 'words'])).toBe('words')
  })

  it('never changes a number', () => {
    expect(nearestWords('2024', ['2025'])).toBeUndefined()
    expect(nearestWords('area51', ['area52'])).toBeUndefined()
    expect(nearestWords('areas', ['area5'])).toBeUndefined()
  })

  it('finds any word of 8 letters and more after any two errors, and answers candidates alone', () => {
    const letters = Array.from('abcdefghijklmnopqrstuvwxyz')
    const errorAt = (at: fc.Arbitrary<number>) =>
      fc.record({ at, letter: fc.constantFrom(...letters), kind: fc.constantFrom(0, 1, 2, 3) })
    const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 10, maxLength: 14 })
    fc.assert(
      fc.property(
        word,
        errorAt(fc.integer({ min: 5, max: 8 })),
        errorAt(fc.nat(2)),
        fc.array(word),
        (meant, first, second, others) => {
          const typed = withError(withError(meant, first), second)
          expect(nearestWords(typed, [meant])).toBe(meant)
          expect([...others, meant]).toContain(nearestWords(typed, [...others, meant]))
        },
      ),
    )
  })
})

const withError = (word: string, { at, letter, kind }: { at: number; letter: string; kind: number }): string => {
  const [before, after] = [word.slice(0, at), word.slice(at)]
  if (kind === 0) return before + letter + after
  if (kind === 1) return before + after.slice(1)
  if (kind === 2) return before + letter + after.slice(1)
  return before + after.slice(1, 2) + after.slice(0, 1) + after.slice(2)
}
