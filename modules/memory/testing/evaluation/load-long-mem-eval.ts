import * as z from 'zod'
import type { Conversation, QuestionClass, Turn } from './suite.ts'

const sample = z.looseObject({
  question_id: z.string(),
  question_type: z.string(),
  question: z.string(),
  question_date: z.string(),
  haystack_dates: z.array(z.string()),
  haystack_sessions: z.array(
    z.array(z.looseObject({ role: z.string(), content: z.string(), has_answer: z.boolean().optional() })),
  ),
})

const CLASSES: Readonly<Record<string, QuestionClass>> = {
  'multi-session': 'multi-hop',
  'temporal-reasoning': 'temporal',
  'knowledge-update': 'updated',
}
/** Ends the id of a question that nothing answers. */
const UNANSWERABLE = '_abs'

/**
 * Questions of a file in the shape of LongMemEval (`longmemeval_s.json`, xiaowu0162/LongMemEval), each with sessions of its own; it may not be redistributed. Of a value that changed the last
 * session that answers is right and the earlier ones are stale. Questions without a marked turn are left out.
 * @throws ZodError for a file of another shape
 */
export function loadLongMemEval(text: string): Conversation[] {
  return z
    .array(sample)
    .parse(JSON.parse(text))
    .flatMap((one): Conversation[] => {
      const turns = turnsOf(one)
      const marked = one.haystack_sessions.flatMap((session, index) =>
        session.flatMap(({ has_answer }, number) => (has_answer === true ? [{ index, id: idOf(index, number) }] : [])),
      )
      const isUnanswerable = one.question_id.endsWith(UNANSWERABLE)
      if (marked.length === 0 && !isUnanswerable) return []
      const kind = isUnanswerable ? 'unanswerable' : (CLASSES[one.question_type] ?? 'single')
      const last = Math.max(...marked.map(({ index }) => index))
      const isStale = ({ index }: { index: number }) => kind === 'updated' && index < last
      const ids = (wanted: typeof marked) => (isUnanswerable ? [] : wanted.map(({ id }) => id))
      const question = {
        ...{ id: one.question_id, class: kind, text: one.question, at: timeOf(one.question_date) },
        gold: ids(marked.filter((turn) => !isStale(turn))),
        stale: ids(marked.filter(isStale)),
      }
      return [{ id: one.question_id, turns, questions: [question] }]
    })
}

const turnsOf = ({ haystack_dates, haystack_sessions }: z.infer<typeof sample>): Turn[] =>
  haystack_sessions.flatMap((session, index) => {
    const at = timeOf(haystack_dates[index] ?? '')
    return session.map(
      ({ role, content }, number): Turn => ({ id: idOf(index, number), text: `${role}: ${content}`, at }),
    )
  })

const idOf = (session: number, turn: number): string => `s${session + 1}-t${turn + 1}`

const WRITTEN = /^(\d{4})\/(\d{2})\/(\d{2}) \([A-Za-z]+\) (\d{2}):(\d{2})$/

/** `2023/05/20 (Sat) 02:21`, taken as UTC. */
function timeOf(written: string): string {
  const parts = WRITTEN.exec(written.trim())
  if (parts === null) throw new Error(`LongMemEval: the time "${written}" is not of the form "2023/05/20 (Sat) 02:21"`)
  const [, year, month, day, hour, minute] = parts
  return new Date(`${year}-${month}-${day}T${hour}:${minute}Z`).toISOString()
}
