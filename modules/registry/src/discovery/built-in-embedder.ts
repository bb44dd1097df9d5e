import type { Embedder } from '../ports.ts'
import { CONCEPTS } from './concepts.ts'
import { stem, wordsOf } from './words.ts'

/** Enough that features of a text seldom meet in one place; 10,000 texts are 20 MB. */
const DIMENSIONS = 512
/** What a word says, what it is about, and how it is written: what two texts have in common of each counts that much. */
const WEIGHTS = { word: 1, concept: 1.2, part: 0.35 } as const
const PART_LENGTH = 4

/** Stem → the concepts that the word may stand for. */
const conceptsOf = new Map<string, string[]>()
for (const [number, words] of CONCEPTS.entries())
  for (const word of words.split(' ')) {
    const key = stem(word)
    conceptsOf.set(key, [...(conceptsOf.get(key) ?? []), `concept ${number}`])
  }

/**
 * The embedder that needs no model: a text is the sum of its words, of what they are about and of their parts, each at a place that its hash chooses. The same text gives the same vector on
 * every machine.
 */
export const builtInEmbedder: Embedder = {
  embed: async (texts) => texts.map(embed),
}

function embed(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS)
  for (const [feature, weight] of featuresOf(text)) {
    const hash = hashOf(feature)
    const place = hash % DIMENSIONS
    vector[place] = (vector[place] as number) + (hash & 0x8000_0000 ? -weight : weight)
  }
  return vector
}

/** Each once: a text that repeats itself says no more. */
function featuresOf(text: string): Map<string, number> {
  const features = new Map<string, number>()
  for (const word of wordsOf(text)) {
    features.set(`word ${word}`, WEIGHTS.word)
    for (const concept of conceptsOf.get(word) ?? []) features.set(concept, WEIGHTS.concept)
    for (const part of partsOf(word)) features.set(`part ${part}`, WEIGHTS.part)
  }
  return features
}

function* partsOf(word: string): Generator<string> {
  for (let start = 0; start + PART_LENGTH <= word.length; start++) yield word.slice(start, start + PART_LENGTH)
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193)
  return hash >>> 0
}
