import { type EventEnvelope, type SqlSession, toUuid } from '@soma/kernel'
import { agentFact, applyAgentFact, UNKNOWN_AGENT } from './agents.ts'
import { entryOf } from './entries.ts'
import { isPlanFact, isTaskFact, logTimeOf, planFact, reopened, type TaskFact, taskFact } from './facts.ts'
import { gateChangeOf, isGateFact } from './gates.ts'
import { applyPlanFact, applyTaskFact, blankTask, stubPlan } from './models.ts'
import {
  insertEntry,
  insertStub,
  lockPlanModel,
  lockTaskModel,
  noteEarlier,
  saveCorrelations,
  saveTaskModel,
  updatePlanModel,
} from './store.ts'
import { lockAgent, saveAgent, saveGate } from './waits-store.ts'

/** Plans facts that the projection knows; another verb under the same noun is shown in the timeline and changes nothing (TRK-R7). */
const PLAN_VERBS = new Set([
  'created',
  'started',
  'waiting',
  'paused',
  'resumed',
  'state-changed',
  'edited',
  'rewound',
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

/** Applies one event to the read models in the handler's transaction. Once, twice or in another order, the models end the same (TRK-R1, R2). True while they are built anew. */
export async function project({ event, tx }: { event: EventEnvelope; tx: SqlSession }): Promise<boolean> {
  const isBuilding = await insertEntry(tx, entryOf(event))
  const gate = isGateFact(event) ? gateChangeOf(event) : undefined
  if (gate !== undefined) await saveGate(tx, gate)
  const verb = event.type.slice(event.type.indexOf('.') + 1)
  if (isPlanFact(event) && PLAN_VERBS.has(verb)) await projectPlan(tx, event)
  if (isTaskFact(event) && TASK_VERBS.has(verb)) await projectTask(tx, taskFact.parse(event.data), event)
  return isBuilding
}

/** Facts of one agent count in log order; they are in no timeline. */
export async function projectAgent(tx: SqlSession, event: EventEnvelope): Promise<void> {
  const fact = agentFact.parse(event.data)
  const known = await lockAgent(tx, fact.agentId)
  const sequence = event.sequence ?? known?.sequence ?? ''
  if (known !== undefined && event.sequence !== undefined && sequence <= known.sequence) return
  const name = fact.name ?? known?.name
  if (name === undefined) return
  const doc = applyAgentFact(known?.doc ?? UNKNOWN_AGENT, fact, event)
  await saveAgent(tx, { id: fact.agentId, spaceId: event.spaceid ?? '', name, sequence, doc })
}

async function projectPlan(tx: SqlSession, event: EventEnvelope): Promise<void> {
  const fact = planFact.parse(event.data)
  const id = idOf('plan', fact.planId)
  await insertStub(tx, stubPlan(id, event))
  const known = (await lockPlanModel(tx, id)) ?? stubPlan(id, event)
  await updatePlanModel(tx, applyPlanFact(known, fact, event))
  await saveCorrelations(tx, ownerOf(id, event), { ids: fact.correlationIds ?? [], isTask: false })
  for (const task of fact.tasks ?? []) await projectTask(tx, reopened(task, fact.planId), event)
}

async function projectTask(tx: SqlSession, fact: TaskFact, event: EventEnvelope): Promise<void> {
  const id = idOf('task', fact.taskId)
  const planId = idOf('plan', fact.planId)
  await insertStub(tx, stubPlan(planId, event))
  await noteEarlier(tx, planId, logTimeOf(event))
  const known = (await lockTaskModel(tx, id)) ?? blankTask(id, planId, event)
  await saveTaskModel(tx, applyTaskFact(known, fact, event))
  const { correlationId } = fact
  if (correlationId !== undefined && correlationId !== fact.taskId)
    await saveCorrelations(tx, ownerOf(planId, event), { ids: [correlationId], isTask: true })
}

const ownerOf = (id: string, event: EventEnvelope) => ({ id, spaceId: event.spaceid ?? '', userId: event.userid })

function idOf(prefix: string, id: string): string {
  const uuid = toUuid(prefix, id)
  if (uuid === undefined) throw new TypeError(`"${id}" is not a ${prefix}_ id`)
  return uuid
}
