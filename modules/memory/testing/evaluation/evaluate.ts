import { estimateTokens } from '../../src/lexical/estimate-tokens.ts'
import { type Conversation, type Question, QUESTION_CLASSES, type QuestionClass, type Turn } from './suite.ts'

export interface Found {
  readonly id: string
  readonly text: string
  /** 0–1: how sure it is that this is what was asked for. */
  readonly relevance: number
}

/** Something that finds turns of one conversation, the best first. */
export interface Ranker {
  readonly find: (question: Question, limit: number) => Promise<readonly Found[]>
}

export interface Score {
  /** Questions with an answer. */
  readonly answerable: number
  /** Mean share of the turns that answer among the first 5 and 10. */
  readonly recallAt5: number
  readonly recallAt10: number
  /** Mean of 1 ÷ the place of the first turn that answers, among 10. */
  readonly meanReciprocalRank: number
  /** Mean nDCG of the first ten. */
  readonly gain: number
}

export interface Evaluation extends Score {
  readonly byClass: ReadonlyMap<QuestionClass, Score>
  /** Of the questions about a value that changed: how many found an old value before the newest. */
  readonly staleAnswers: number
  /** Of the questions without an answer: how many were met with nothing as relevant as `threshold`. */
  readonly rightlyAbstained: number
  /** Of those with an answer: the same, wrongly. */
  readonly wronglyAbstained: number
  /** Mean estimated tokens of the first five. */
  readonly tokens: number
  /** Milliseconds by the clock for one question. */
  readonly times: readonly number[]
}

interface Answered {
  readonly question: Question
  readonly found: readonly Found[]
}

const FEW = 5
const MANY = 10

export interface EvaluateOptions {
  /** Makes the ranker of one conversation. */
  readonly rankerOf: (turns: readonly Turn[]) => Ranker | Promise<Ranker>
  /** Under this relevance an answer is none: `memory.answerThreshold`. */
  readonly threshold: number
}

/** Asks every question of every conversation. */
export async function evaluate(
  conversations: readonly Conversation[],
  { rankerOf, threshold }: EvaluateOptions,
): Promise<Evaluation> {
  const answered: Answered[] = []
  const times: number[] = []
  for (const { turns, questions } of conversations) {
    const ranker = await rankerOf(turns)
    for (const question of questions) {
      const startedAt = performance.now()
      const found = await ranker.find(question, MANY)
      times.push(performance.now() - startedAt)
      answered.push({ question, found })
    }
  }
  const isAbstained = ({ found }: Answered) => !found.some(({ relevance }) => relevance >= threshold)
  const [answerable, unanswerable] = [true, false].map((has) =>
    answered.filter(({ question }) => question.gold.length > 0 === has),
  )
  return {
    ...scoreOf(answered),
    byClass: new Map(
      QUESTION_CLASSES.map((name) => [name, scoreOf(answered.filter(({ question }) => question.class === name))]),
    ),
    staleAnswers: shareOf(
      answered.filter(({ question }) => question.stale.length > 0),
      isStale,
    ),
    rightlyAbstained: shareOf(unanswerable as Answered[], isAbstained),
    wronglyAbstained: shareOf(answerable as Answered[], isAbstained),
    tokens: mean(
      answered.map(({ found }) => found.slice(0, FEW).reduce((sum, { text }) => sum + estimateTokens(text), 0)),
    ),
    times,
  }
}

function scoreOf(all: readonly Answered[]): Score {
  const answered = all.filter(({ question }) => question.gold.length > 0)
  return {
    answerable: answered.length,
    recallAt5: mean(answered.map((one) => recall(one, FEW))),
    recallAt10: mean(answered.map((one) => recall(one, MANY))),
    meanReciprocalRank: mean(answered.map(({ question, found }) => 1 / placeOf(found, question.gold))),
    gain: mean(answered.map(gainOf)),
  }
}

const recall = ({ question, found }: Answered, among: number): number =>
  found.slice(0, among).filter(({ id }) => question.gold.includes(id)).length / question.gold.length

const gainOf = ({ question: { gold }, found }: Answered): number =>
  discounted(found.map(({ id }) => gold.includes(id))) / discounted(gold.slice(0, MANY).map(() => true))

const discounted = (hits: readonly boolean[]): number =>
  hits.reduce((sum, isHit, index) => sum + (isHit ? 1 / Math.log2(index + 2) : 0), 0)

const isStale = ({ question, found }: Answered): boolean =>
  placeOf(found, question.stale) < placeOf(found, question.gold)

/** Of the first of them, from 1; infinite when none was found. */
function placeOf(found: readonly Found[], ids: readonly string[]): number {
  const index = found.findIndex(({ id }) => ids.includes(id))
  return index === -1 ? Number.POSITIVE_INFINITY : index + 1
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

const shareOf = <T>(items: readonly T[], holds: (item: T) => boolean): number =>
  mean(items.map((item) => (holds(item) ? 1 : 0)))
