import { type Delivered, type EventEnvelope, type SqlSession, toUuid } from '@soma/kernel'
import { entryOf } from './entries.ts'
import { isPlanFact, isTaskFact, logTimeOf, planFact, taskFact } from './facts.ts'
import { applyPlanFact, applyTaskFact, blankTask, stubPlan } from './models.ts'
import {
  insertEntry,
  insertStub,
  lockPlanModel,
  lockTaskModel,
  noteEarlier,
  saveTaskModel,
  updatePlanModel,
} from './store.ts'

/** Plans facts that the projection knows; another verb under the same noun is shown in the timeline and changes nothing (TRK-R7). */
const PLAN_VERBS = new Set([
  'created',
  'started',
  'waiting',
  'paused',
  'resumed',
  'state-changed',
  'edited',
  'forked',
  'stopping',
  'completed',
  'failed',
  'cancelled',
])
const TASK_VERBS = new Set([
  'created',
  'started',
  'delegated',
  'waiting',
  'resumed',
  'retried',
  'progressed',
  'completed',
  'failed',
  'cancelled',
])

/** Applies one event to the read models in the handler's transaction. Once, twice or in another order, the models end the same (TRK-R1, R2). */
export async function project({ event, tx }: Pick<Delivered, 'event' | 'tx'>): Promise<void> {
  await insertEntry(tx, entryOf(event))
  const verb = event.type.slice(event.type.indexOf('.') + 1)
  if (isPlanFact(event) && PLAN_VERBS.has(verb)) await projectPlan(tx, event)
  if (isTaskFact(event) && TASK_VERBS.has(verb)) await projectTask(tx, event)
}

async function projectPlan(tx: SqlSession, event: EventEnvelope): Promise<void> {
  const fact = planFact.parse(event.data)
  const id = idOf('plan', fact.planId)
  await insertStub(tx, stubPlan(id, event))
  const known = (await lockPlanModel(tx, id)) ?? stubPlan(id, event)
  await updatePlanModel(tx, applyPlanFact(known, fact, event))
}

async function projectTask(tx: SqlSession, event: EventEnvelope): Promise<void> {
  const fact = taskFact.parse(event.data)
  const id = idOf('task', fact.taskId)
  const planId = idOf('plan', fact.planId)
  await insertStub(tx, stubPlan(planId, event))
  await noteEarlier(tx, planId, logTimeOf(event))
  const known = (await lockTaskModel(tx, id)) ?? blankTask(id, planId, event)
  await saveTaskModel(tx, applyTaskFact(known, fact, event))
}

function idOf(prefix: string, id: string): string {
  const uuid = toUuid(prefix, id)
  if (uuid === undefined) throw new TypeError(`"${id}" is not a ${prefix}_ id`)
  return uuid
}
