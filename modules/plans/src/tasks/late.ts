import { type SqlSession, toId } from '@soma/kernel'
import type { TaskRow } from '../transition/rows.ts'
import { record, type Transition } from '../transition/transition.ts'

export const dedupeKeyOfEvent = (eventId: string): string => `event:${eventId}`

export async function isJournaled(tx: SqlSession, { plan }: Transition, dedupeKey: string): Promise<boolean> {
  const rows = await tx.query('select 1 from plans.journal where plan_id = $1 and dedupe_key = $2', [
    plan.id,
    dedupeKey,
  ])
  return rows.length > 0
}

/** A reply to a task that has ended: journaled once, moves nothing (PLN-R2). */
export async function noteLateReply(
  transition: Transition,
  tx: SqlSession,
  { task, eventId }: { task: TaskRow; eventId: string },
): Promise<void> {
  const dedupeKey = dedupeKeyOfEvent(eventId)
  if (await isJournaled(tx, transition, dedupeKey)) return
  record(transition, 'late', { taskId: toId('task', task.id), key: task.key, eventId }, dedupeKey)
}

/** A result from a holder whose task was handed on or has ended: journaled once a fence, moves nothing (PLN-R26). */
export async function noteLateResult(
  transition: Transition,
  tx: SqlSession,
  { task, as, fence }: { task: TaskRow; as: 'completed' | 'failed'; fence: number | undefined },
): Promise<void> {
  const dedupeKey = `late:${task.id}:${fence}`
  if (await isJournaled(tx, transition, dedupeKey)) return
  record(transition, 'late', { taskId: toId('task', task.id), key: task.key, as, fence }, dedupeKey)
}
