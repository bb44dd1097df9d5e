import type { Embedder } from '../ports.ts'
import type { Corpus } from './rank.ts'

/** Texts whose vectors are kept: those of 10,000 definitions, twice over. */
const MOST_KEPT = 20_000

/** How near candidates are to a query: the cosine of their vectors. Vectors of texts that were seen are kept, because definitions seldom change. */
export function createVectors(embedder: Embedder) {
  const kept = new Map<string, Float32Array>()
  const keep = async (texts: readonly string[]) => {
    const missing = [...new Set(texts)].filter((text) => !kept.has(text))
    if (missing.length === 0) return
    if (kept.size + missing.length > MOST_KEPT) kept.clear()
    const vectors = await embedder.embed(missing)
    missing.forEach((text, index) => {
      kept.set(text, unit(vectors[index] as Float32Array))
    })
  }
  const corpora = new WeakMap<Corpus<unknown>, readonly Float32Array[]>()
  const vectorsOf = async (corpus: Corpus<unknown>) => {
    const known = corpora.get(corpus)
    if (known !== undefined) return known
    const texts = corpus.candidates.map(({ fields }) => fields.map(({ text }) => text).join(' '))
    await keep(texts)
    const vectors = texts.map((text) => kept.get(text) as Float32Array)
    corpora.set(corpus, vectors)
    return vectors
  }
  return {
    /** @throws Error of the embedder */
    similarities: async (query: string, corpus: Corpus<unknown>): Promise<number[]> => {
      const vectors = await vectorsOf(corpus)
      const [wanted] = (await embedder.embed([query])).map(unit)
      return vectors.map((vector) => product(wanted as Float32Array, vector))
    },
  }
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map((value) => value / length)
}

function product(left: Float32Array, right: Float32Array): number {
  let sum = 0
  for (let index = 0; index < left.length; index++) sum += (left[index] as number) * (right[index] as number)
  return sum
}
