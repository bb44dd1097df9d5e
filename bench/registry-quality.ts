/** How well discovery answers the graded questions of the corpus: 200 definitions, 100 questions. */
import { discoveryQuality } from '@soma/registry/testing'
import { printFigure } from './figures.ts'

const MIN_SCORE = 0.15
const goals = { 'words and vectors': { hits: 0.9, gain: 0.8 }, words: { hits: 0.8, gain: 0.65 } } as const

for (const by of ['words and vectors', 'words'] as const) {
  const { hits, gain } = await discoveryQuality(by, MIN_SCORE)
  const goal = goals[by]
  printFigure({
    ...{ bench: 'registry.quality', what: `${by}: share with a best answer among the first 5`, values: [hits] },
    goal: { text: `≥ ${goal.hits}`, isMet: hits >= goal.hits },
  })
  printFigure({
    ...{ bench: 'registry.quality', what: `${by}: nDCG@10`, values: [gain] },
    goal: { text: `≥ ${goal.gain}`, isMet: gain >= goal.gain },
  })
}
