import { type Delivered, type EventEnvelope, type Json, toId, toUuid } from '@soma/kernel'
import { mayWork } from './access.ts'
import { hasPlanEnded, hasTaskEnded } from './statuses.ts'
import { loadTask } from './tasks/change-task.ts'
import { dedupeKeyOfEvent, isJournaled, noteLateReply } from './tasks/late.ts'
import { finishLonePlan } from './tasks/lone.ts'
import { changePlanWithin } from './transition/change.ts'
import { settlePlan } from './transition/plan-changes.ts'
import { readTasks } from './transition/read.ts'
import type { TaskRow } from './transition/rows.ts'
import { completeTask, failTask, startTask } from './transition/task-changes.ts'
import type { Transition } from './transition/transition.ts'
import { problemValue, type ProblemValue } from '../contract/index.ts'

export const OWN_SOURCE = '/modules/plans'

/** Names a task, and is no reply of our own: the task has ended before those left. */
export const isReply = (event: EventEnvelope): boolean => event.source !== OWN_SOURCE && taskIdsOf(event).length > 0

const taskIdsOf = (event: EventEnvelope): string[] =>
  [event.correlationid, event.taskid].flatMap((id) => (id === undefined ? [] : (toUuid('task', id) ?? [])))

/**
 * A reply of an agent ends its task (PLN-R18): same type as asked, and the task's id as correlation or task id. Replies to ended tasks change nothing but the
 * journal, which keeps them as `late`.
 */
export async function takeReply({ event, context, tx, data }: Delivered): Promise<void> {
  const task = await findTask(tx, event)
  if (task === undefined || !answers(task, event)) return
  await changePlanWithin(tx, context, {
    planId: task.planId,
    allow: (plan) => mayWork(context, plan),
    work: async (transition) => {
      const current = await loadTask(transition, tx, task.id)
      if (current === undefined) return
      // Of a task that began again, what ended its former generation may come a second time.
      if (current.generation > 1 && (await isJournaled(tx, transition, dedupeKeyOfEvent(event.id)))) return
      if (hasTaskEnded(current.status)) return noteLateReply(transition, tx, { task: current, eventId: event.id })
      applyReply(transition, current, { failed: event.outcome === 'failed', data: data as Json, eventId: event.id })
      await finishLonePlan(transition, tx, current)
      if (!hasPlanEnded(transition.plan.status)) settlePlan(transition)
    },
  })
}

async function findTask(tx: Delivered['tx'], event: Delivered['event']): Promise<TaskRow | undefined> {
  const ids = taskIdsOf(event)
  const tasks = await readTasks(tx, [...new Set(ids)])
  return ids
    .map((id) => tasks.find((task) => task.id === id))
    .find((task) => task !== undefined && answers(task, event))
}

/**
 * On the topic that was asked for, the type that was asked for. A task that named no type is answered by whatever carries its id as correlation there:
 * a fact that its worker publishes meanwhile inherits that correlation, so other topics do not count.
 */
function answers(task: TaskRow, event: Delivered['event']): boolean {
  if (event.topic !== (task.doc.responseTopic ?? 'action-results')) return false
  return task.doc.responseType === undefined
    ? event.correlationid === toId('task', task.id)
    : task.doc.responseType === event.type
}

function applyReply(
  transition: Transition,
  task: TaskRow,
  reply: { failed: boolean; data: Json; eventId: string },
): void {
  const dedupeKey = dedupeKeyOfEvent(reply.eventId)
  if (reply.failed) {
    failTask(transition, task, problemOf(reply.data), { reply: false, dedupeKey })
    return
  }
  if (task.status === 'pending') startTask(transition, task, {})
  completeTask(transition, task, reply.data ?? null, { reply: false, dedupeKey })
}

function problemOf(data: Json): ProblemValue {
  const problem =
    typeof data === 'object' && data !== null && 'problem' in data ? (data as { problem: unknown }).problem : undefined
  const parsed = problemValue.safeParse(pick(problem))
  return parsed.success ? parsed.data : { code: 'failed', detail: 'the agent failed and named no problem' }
}

/** The stored members of a problem document; its other members stay in the event. */
function pick(problem: unknown): unknown {
  if (typeof problem !== 'object' || problem === null) return problem
  const known = ['code', 'detail', 'status', 'retryable', 'remedy', 'errors']
  return Object.fromEntries(Object.entries(problem).filter(([name]) => known.includes(name)))
}
