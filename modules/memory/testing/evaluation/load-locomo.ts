import * as z from 'zod'
import type { Conversation, Question, QuestionClass, Turn } from './suite.ts'

const turn = z.looseObject({
  speaker: z.string(),
  dia_id: z.string(),
  text: z.string(),
  blip_caption: z.string().optional(),
})
const question = z.looseObject({
  question: z.string(),
  evidence: z.array(z.string()).default([]),
  category: z.int().min(1).max(5),
})
const file = z.array(
  z.looseObject({
    sample_id: z.string().optional(),
    conversation: z.record(z.string(), z.unknown()),
    qa: z.array(question),
  }),
)

/** The categories of the paper in its numbers: several turns, time, world knowledge, one turn, adversarial. */
const CLASSES: Readonly<Record<number, QuestionClass>> = {
  1: 'multi-hop',
  2: 'temporal',
  3: 'multi-hop',
  4: 'single',
  5: 'unanswerable',
}
const SESSION = /^session_(\d+)$/
/** One field of evidence may name several turns: `D8:6; D9:17`. */
const TURN_IDS = /D\d+:\d+/g

/**
 * Conversations of a file in the shape of LoCoMo (`locomo10.json`, snap-research/locomo), which may not be redistributed. Questions whose evidence names no turn of the conversation are left
 * out, adversarial ones have no answer.
 * @throws ZodError for a file of another shape
 */
export function loadLocomo(text: string): Conversation[] {
  return file.parse(JSON.parse(text)).map((sample, index) => {
    const id = sample.sample_id ?? `locomo-${index + 1}`
    const turns = turnsOf(sample.conversation)
    const known = new Set(turns.map((turn) => turn.id))
    const at = turns.at(-1)?.at ?? new Date(0).toISOString()
    const questions = sample.qa.flatMap(({ question, evidence, category }, number): Question[] => {
      const kind = CLASSES[category] as QuestionClass
      const named = evidence.flatMap((field) => field.match(TURN_IDS) ?? []).filter((name) => known.has(name))
      if (kind !== 'unanswerable' && named.length === 0) return []
      const gold = kind === 'unanswerable' ? [] : [...new Set(named)]
      return [{ id: `${id}-q${number + 1}`, class: kind, text: question, at, gold, stale: [] }]
    })
    return { id, turns, questions }
  })
}

function turnsOf(conversation: Readonly<Record<string, unknown>>): Turn[] {
  return Object.keys(conversation)
    .flatMap((key) => SESSION.exec(key)?.[1] ?? [])
    .sort((left, right) => Number(left) - Number(right))
    .flatMap((number) => {
      const at = timeOf(z.string().parse(conversation[`session_${number}_date_time`]))
      return z
        .array(turn)
        .parse(conversation[`session_${number}`])
        .map(({ speaker, dia_id, text, blip_caption }): Turn => {
          const shown = blip_caption === undefined ? '' : ` [shows ${blip_caption}]`
          return { id: dia_id, text: `${speaker}: ${text}${shown}`, at }
        })
    })
}

const WRITTEN = /^(\d{1,2}):(\d{2}) (am|pm) on (\d{1,2}) ([A-Za-z]+), (\d{4})$/

/** `1:56 pm on 8 May, 2023`, taken as UTC. */
function timeOf(written: string): string {
  const parts = WRITTEN.exec(written.trim())
  if (parts === null) throw new Error(`LoCoMo: the time "${written}" is not of the form "1:56 pm on 8 May, 2023"`)
  const [, hour, minute, half, day, month, year] = parts
  const hours = (Number(hour) % 12) + (half === 'pm' ? 12 : 0)
  return new Date(`${day} ${month} ${year} ${hours}:${minute} UTC`).toISOString()
}
