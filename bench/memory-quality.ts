/**
 * How well memory answers the suite that ships: recall through the platform, the words alone with and without each part, and full text of Postgres beside them. BENCH_LOCOMO and
 * BENCH_LONG_MEM_EVAL name files of the public sets, which may not be redistributed.
 */
import { readFile } from 'node:fs/promises'
import {
  type Conversation,
  createWordRanker,
  type Evaluation,
  evaluate,
  type EvaluateOptions,
  generatedSuite,
  loadLocomo,
  loadLongMemEval,
  suiteHash,
} from '@soma/memory/testing'
import { median, printFigure } from './figures.ts'
import { openFullTextRankers, openPlatformRankers } from './memory-rankers.ts'
import { stores } from './stores.ts'

/** `memory.answerThreshold`. */
const THRESHOLD = 0.2
/** What recall must be better than full text by. */
const GAIN = 0.03

/** One line for each part of the ranking. */
const ABLATIONS = [
  ['words', {}],
  ['words without spelling', { spelling: false }],
  ['words without slots', { slots: false }],
  ['words with neighbours', { neighbours: true }],
] as const

const sets: { name: string; conversations: Conversation[] }[] = [{ name: 'suite', conversations: generatedSuite() }]
const [locomo, longMemEval] = [process.env.BENCH_LOCOMO, process.env.BENCH_LONG_MEM_EVAL]
if (locomo !== undefined) sets.push({ name: 'LoCoMo', conversations: loadLocomo(await readFile(locomo, 'utf8')) })
if (longMemEval !== undefined)
  sets.push({ name: 'LongMemEval', conversations: loadLongMemEval(await readFile(longMemEval, 'utf8')) })

for (const { name, conversations } of sets) {
  const ask = (rankerOf: EvaluateOptions['rankerOf']) => evaluate(conversations, { rankerOf, threshold: THRESHOLD })
  const fullText = await Promise.all(
    (['AND', 'OR'] as const).map(async (joined) => {
      const [store] = stores()
      if (store === undefined) throw new Error('there is no store to measure on')
      const rankers = await openFullTextRankers(store, joined)
      return { joined, figures: await ask(rankers.rankerOf).finally(rankers.close) }
    }),
  )
  const platform = await openPlatformRankers()
  const recalled = await ask(platform.rankerOf).finally(platform.close)
  const data = `${name} ${suiteHash(conversations).slice(0, 8)}`
  const best = Math.max(...fullText.map(({ figures }) => figures.recallAt5))
  const beside = { what: 'full text OR (AND–OR)', values: fullText.map(({ figures }) => figures.recallAt5) }
  printFigure({
    ...{ bench: `memory.quality, ${data}`, what: 'recall@5', values: [recalled.recallAt5], beside },
    goal: { text: `≥ full text + ${GAIN}`, isMet: recalled.recallAt5 >= best + GAIN },
  })
  printRest(data, recalled)
  for (const [part, options] of ABLATIONS) {
    const { recallAt5, staleAnswers } = await ask((turns) => createWordRanker(turns, options))
    const values = [recallAt5]
    printFigure({
      bench: `memory.quality, ${data}`,
      what: `${part}: recall@5`,
      values,
      beside: { what: 'stale answers', values: [staleAnswers] },
    })
  }
}

function printRest(data: string, { times, byClass, ...figures }: Evaluation): void {
  const print = (what: string, value: number) =>
    printFigure({ bench: `memory.quality, ${data}`, what, values: [value] })
  for (const [kind, { answerable, recallAt5 }] of byClass) if (answerable > 0) print(`recall@5 of ${kind}`, recallAt5)
  print('recall@10', figures.recallAt10)
  print('MRR', figures.meanReciprocalRank)
  print('nDCG@10', figures.gain)
  print('stale answers, share', figures.staleAnswers)
  print('rightly abstained, share of unanswerable', figures.rightlyAbstained)
  print('wrongly abstained, share of answerable', figures.wronglyAbstained)
  print('tokens of the first five', figures.tokens)
  print('a question, p50, ms', median(times))
}
