import { ERASED_DATA, type EventEnvelope, type SqlSession, toUuid } from '@soma/kernel'
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

/** Applies one event to the read models in the handler's transaction; statements that do not wait for one another travel together. Once, twice or in another order, the models end the same (TRK-R1, R2). True while they are built anew. */
export async function project({ event, tx }: { event: EventEnvelope; tx: SqlSession }): Promise<boolean> {
  const [isBuilding] = await Promise.all([insertEntry(tx, entryOf(event)), applyFact(tx, event)])
  return isBuilding
}

async function applyFact(tx: SqlSession, event: EventEnvelope): Promise<void> {
  if (isErased(event.data)) return
  const gate = isGateFact(event) ? gateChangeOf(event) : undefined
  if (gate !== undefined) await saveGate(tx, gate)
  const verb = event.type.slice(event.type.indexOf('.') + 1)
  if (isPlanFact(event) && PLAN_VERBS.has(verb)) await projectPlan(tx, event)
  if (isTaskFact(event) && TASK_VERBS.has(verb)) await projectTask(tx, taskFact.parse(event.data), event)
}

/** What the log has erased says nothing more than that it was there. */
const isErased = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && 'erased' in data && data.erased === ERASED_DATA.erased

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
  const [, stored] = await Promise.all([insertStub(tx, stubPlan(id, event)), lockPlanModel(tx, id)])
  await Promise.all([
    updatePlanModel(tx, applyPlanFact(stored ?? stubPlan(id, event), fact, event)),
    saveCorrelations(tx, ownerOf(id, event), { ids: fact.correlationIds ?? [], isTask: false }),
  ])
  for (const task of fact.tasks ?? []) await projectTask(tx, reopened(task, fact.planId), event)
}

async function projectTask(tx: SqlSession, fact: TaskFact, event: EventEnvelope): Promise<void> {
  const id = idOf('task', fact.taskId)
  const planId = idOf('plan', fact.planId)
  const [, , stored] = await Promise.all([
    insertStub(tx, stubPlan(planId, event)),
    noteEarlier(tx, planId, logTimeOf(event)),
    lockTaskModel(tx, id),
  ])
  const { correlationId } = fact
  const ids = correlationId === undefined || correlationId === fact.taskId ? [] : [correlationId]
  await Promise.all([
    saveTaskModel(tx, applyTaskFact(stored ?? blankTask(id, planId, event), fact, event)),
    saveCorrelations(tx, ownerOf(planId, event), { ids, isTask: true }),
  ])
}

const ownerOf = (id: string, event: EventEnvelope) => ({ id, spaceId: event.spaceid ?? '', userId: event.userid })

function idOf(prefix: string, id: string): string {
  const uuid = toUuid(prefix, id)
  if (uuid === undefined) throw new TypeError(`"${id}" is not a ${prefix}_ id`)
  return uuid
}
