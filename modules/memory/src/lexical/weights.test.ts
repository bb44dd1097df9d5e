import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dimensionOf } from './dimension-of.ts'
import { itemWeights, queryWeights } from './weights.ts'

const terms = fc.array(fc.string({ minLength: 1, maxLength: 12 }), { maxLength: 400 })

describe('dimensionOf', () => {
  it('is MurmurHash3 of the UTF-8 text in 2^20 places, from 1', () => {
    // The unreduced hashes are published test vectors: of '' 0, 'aaaa' 0x3f0c0b8d … by the reference code.
    expect(dimensionOf('')).toBe(1)
    expect(dimensionOf('test')).toBe((0xba6b_d213 % 2 ** 20) + 1)
    expect(dimensionOf('Hello, world!')).toBe((0xc036_3e43 % 2 ** 20) + 1)
    expect(dimensionOf('The quick brown fox jumps over the lazy dog')).toBe((0x2e4f_f723 % 2 ** 20) + 1)
  })

  it('stays within its places and spreads', () => {
    const places = Array.from({ length: 10_000 }, (_, index) => dimensionOf(`term${index} ü字`))
    expect(Math.min(...places)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...places)).toBeLessThanOrEqual(2 ** 20)
    expect(new Set(places).size).toBeGreaterThan(9_900)
  })
})

describe('itemWeights', () => {
  it('weighs a term by BM25 with an average length of 90', () => {
    const { dimensions, weights } = itemWeights(['cat', 'dog', 'cat'])
    const held = 1.2 * (0.6 + (0.4 * 3) / 90)
    const expected = new Map([
      [dimensionOf('cat'), (2 * 2.2) / (2 + held)],
      [dimensionOf('dog'), 2.2 / (1 + held)],
    ])
    expect(new Map(dimensions.map((dimension, index) => [dimension, weights[index]]))).toEqual(expected)
  })

  it('is sorted by dimension, each once, with weights between 0 and 2.2, whatever the order of terms', () => {
    fc.assert(
      fc.property(terms, (terms) => {
        const { dimensions, weights } = itemWeights(terms)
        expect(dimensions).toEqual([...new Set(dimensions)].sort((left, right) => left - right))
        expect(weights.every((weight) => weight > 0 && weight < 2.2)).toBe(true)
        expect(itemWeights(terms.toReversed())).toEqual({ dimensions, weights })
      }),
    )
  })

  it('keeps the 4 000 heaviest terms', () => {
    const rare = Array.from({ length: 6_000 }, (_, index) => `rare${index}`)
    const often = ['often', 'often', 'often']
    const { dimensions } = itemWeights([...rare, ...often])
    expect(dimensions).toHaveLength(4_000)
    expect(dimensions).toContain(dimensionOf('often'))
    expect(itemWeights([...often, ...rare.toReversed()]).dimensions).toEqual(dimensions)
  })

  it('of nothing is nothing', () => {
    expect(itemWeights([])).toEqual({ dimensions: [], weights: [] })
  })
})

describe('queryWeights', () => {
  const lexicon = {
    documents: 100,
    frequencies: new Map([
      ['common', 90],
      ['rare', 1],
    ]),
  }
  const weightOf = (term: string, known = lexicon) => queryWeights([term], known).weights[0] as number

  it('weighs a term by how few items have it; one that none has weighs most and is still searched', () => {
    expect(weightOf('rare')).toBeCloseTo(Math.log(1 + 99.5 / 1.5))
    expect(weightOf('common')).toBeCloseTo(Math.log(1 + 10.5 / 90.5))
    expect(weightOf('unknown')).toBeCloseTo(Math.log(1 + 100.5 / 0.5))
  })

  it('counts each term once, and its total is the sum', () => {
    fc.assert(
      fc.property(terms, (terms) => {
        const { dimensions, weights, total } = queryWeights([...terms, ...terms], lexicon)
        expect({ dimensions, weights, total }).toEqual(queryWeights(terms, lexicon))
        expect(dimensions).toEqual([...new Set(dimensions)].sort((left, right) => left - right))
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(total)
      }),
    )
  })

  it('stays finite and above 0 on an empty lexicon, counts that lag, and names of the object prototype', () => {
    const odd = [
      { documents: 0, frequencies: new Map<string, number>() },
      { documents: 2, frequencies: new Map([['constructor', 50]]) },
    ]
    for (const known of odd)
      for (const term of ['constructor', '__proto__'])
        expect(weightOf(term, known), `${term} of ${known.documents}`).toBeGreaterThan(0)
  })
})
