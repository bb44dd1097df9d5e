import { type EventEnvelope, toUuid, traceIdOf, withoutUndefined } from '@soma/kernel'
import { logTimeOf, type PlanFact, type TaskFact } from './facts.ts'
import { type Ends, hasEnded, noteEnd, outranks, type Rank } from './rank.ts'

/** A plan as the read model keeps it. Times are ISO texts of the log. */
export interface PlanModel {
  id: string
  spaceId: string
  userId: string | undefined
  ownerId: string | undefined
  visibility: string
  /** 0 while only facts of its tasks have come. */
  version: number
  generation: number
  ends: Ends
  status: string
  parentId: string | undefined
  rootId: string | undefined
  sessionId: string | undefined
  origin: string | undefined
  doc: PlanDoc
  createdAt: string | undefined
  startedAt: string | undefined
  endedAt: string | undefined
  /** The earliest log time of any fact: what lists sort by. */
  sortAt: string
  asOf: string
  /** Facts of it are older than the log. */
  kept: boolean
}

export interface PlanDoc {
  name?: string
  driver?: string
  currentState?: string
  problem?: { code: string }
  stopReason?: string
  goalType?: string
  parentTaskId?: string
  spent?: { tokens: number; costMicros: number; currency: string; calls: number }
  traceId?: string
  constitutionHash?: string
  openedAt?: string
  /** Its user was erased: it keeps no name. */
  erased?: true
}

export interface TaskModel {
  id: string
  planId: string
  spaceId: string
  userId: string | undefined
  version: number
  generation: number
  ends: Ends
  status: string
  parentId: string | undefined
  groupId: string | undefined
  attempts: number
  progress: number | undefined
  doc: TaskDoc
  createdAt: string | undefined
  startedAt: string | undefined
  endedAt: string | undefined
  sortAt: string
  asOf: string
  /** Facts of it are older than the log. */
  kept: boolean
}

export interface TaskDoc {
  name?: string
  key?: string
  kind?: string
  type?: string
  capability?: string
  waiting?: TaskFact['waiting']
  pendingFor?: string
  retryAt?: string
  agent?: TaskFact['agent']
  gateId?: string
  message?: string
  problem?: { code: string }
  queuedMs?: number
  runMs?: number
  /** Of its generation: the first fact, the first start, and the most that was reported. */
  openedAt?: string
  beganAt?: string
  peak?: number
  /** As of a plan. */
  erased?: true
}

const earlier = (left: string | undefined, right: string): string => (left === undefined || right < left ? right : left)
const later = (left: string, right: string): string => (right > left ? right : left)
/** A stub has no fact of its own yet: its newest one is older than any. */
const BEFORE_ALL = '1970-01-01T00:00:00.000Z'

/** A plan of which only a task is known. */
export function stubPlan(id: string, event: EventEnvelope): PlanModel {
  const at = logTimeOf(event)
  return {
    id,
    spaceId: event.spaceid ?? '',
    userId: event.userid,
    ownerId: undefined,
    visibility: 'private',
    version: 0,
    generation: 1,
    ends: {},
    status: 'pending',
    parentId: undefined,
    rootId: undefined,
    sessionId: event.sessionid,
    origin: undefined,
    doc: {},
    createdAt: undefined,
    startedAt: undefined,
    endedAt: undefined,
    sortAt: at,
    asOf: BEFORE_ALL,
    kept: false,
  }
}

/** Applies a plan fact. Applying it again, or in another order with others, gives the same model. */
export function applyPlanFact(known: PlanModel, fact: PlanFact, event: EventEnvelope): PlanModel {
  const at = logTimeOf(event)
  const rank = { generation: fact.generation, version: fact.version, ended: hasEnded(fact.status) }
  const merged: PlanModel = {
    ...known,
    ends: noteEnd(known.ends, rank),
    createdAt: event.type === 'plan.created' ? earlier(known.createdAt, at) : known.createdAt,
    startedAt: event.type === 'plan.started' ? earlier(known.startedAt, at) : known.startedAt,
    sortAt: earlier(known.sortAt, at),
    asOf: later(known.asOf, at),
  }
  const openedAt = firstOf(known, fact, at)
  if (known.version > 0 && !outranks(rank, rankOf(known)))
    return { ...merged, doc: { ...known.doc, ...(openedAt === undefined ? {} : { openedAt }) } }
  return {
    ...merged,
    ownerId: fact.ownerId,
    visibility: fact.visibility,
    spaceId: event.spaceid ?? '',
    userId: event.userid,
    version: fact.version,
    generation: fact.generation,
    status: fact.status,
    parentId: uuid('plan', fact.parentPlanId),
    rootId: uuid('plan', fact.rootPlanId),
    sessionId: event.sessionid ?? known.sessionId,
    origin: fact.origin,
    endedAt: hasEnded(fact.status) ? at : undefined,
    doc: withoutUndefined({
      ...(known.doc.erased ? { erased: true } : { name: fact.title }),
      driver: fact.driver,
      currentState: fact.currentState,
      problem: fact.problem === undefined ? undefined : { code: fact.problem.code },
      stopReason: fact.stopReason,
      goalType: fact.goalType,
      parentTaskId: fact.parentTaskId,
      spent: fact.spent,
      traceId: event.traceparent === undefined ? undefined : traceIdOf(event.traceparent),
      constitutionHash: event.constitutionhash,
      openedAt,
    }) as PlanDoc,
  }
}

/** A task of which nothing is known yet. */
export function blankTask(id: string, planId: string, event: EventEnvelope): TaskModel {
  const at = logTimeOf(event)
  return {
    id,
    planId,
    spaceId: event.spaceid ?? '',
    userId: event.userid,
    version: 0,
    generation: 0,
    ends: {},
    status: 'pending',
    parentId: undefined,
    groupId: undefined,
    attempts: 0,
    progress: undefined,
    doc: {},
    createdAt: undefined,
    startedAt: undefined,
    endedAt: undefined,
    sortAt: at,
    asOf: at,
    kept: false,
  }
}

export function applyTaskFact(known: TaskModel, fact: TaskFact, event: EventEnvelope): TaskModel {
  const at = logTimeOf(event)
  const rank = { generation: fact.generation, version: fact.version, ended: hasEnded(fact.status) }
  const merged: TaskModel = {
    ...known,
    ends: noteEnd(known.ends, rank),
    createdAt: event.type === 'task.created' ? earlier(known.createdAt, at) : known.createdAt,
    startedAt: event.type === 'task.started' ? earlier(known.startedAt, at) : known.startedAt,
    sortAt: earlier(known.sortAt, at),
    asOf: later(known.asOf, at),
  }
  const own = ofGeneration(known, fact, event)
  if (!outranks(rank, rankOf(known))) return { ...merged, doc: withoutUndefined({ ...known.doc, ...own }) as TaskDoc }
  return {
    ...merged,
    version: fact.version,
    generation: fact.generation,
    status: fact.status,
    parentId: uuid('task', fact.parentTaskId),
    groupId: uuid('grp', fact.groupId),
    attempts: fact.delivery,
    progress: fact.progress,
    endedAt: hasEnded(fact.status) ? at : undefined,
    doc: withoutUndefined({
      ...(known.doc.erased ? { erased: true } : { name: fact.name, key: fact.key, message: fact.message }),
      kind: fact.kind,
      type: fact.type,
      capability: fact.capability,
      waiting: fact.waiting,
      pendingFor: fact.pendingFor,
      retryAt: fact.retryAt,
      agent: fact.agent,
      gateId: fact.gateId,
      problem: fact.problem === undefined ? undefined : { code: fact.problem.code },
      queuedMs: fact.queuedMs,
      runMs: fact.runMs,
      ...own,
    }) as TaskDoc,
  }
}

/** The first fact of the generation that is the newest then. */
function firstOf(
  known: { readonly generation: number; readonly doc: { readonly openedAt?: string } },
  fact: { readonly generation: number },
  at: string,
): string | undefined {
  if (fact.generation < known.generation) return known.doc.openedAt
  return earlier(fact.generation === known.generation ? known.doc.openedAt : undefined, at)
}

/** What adds up over the facts of one generation, in whatever order they come: an older one says nothing, a newer one begins again. */
function ofGeneration(known: TaskModel, fact: TaskFact, event: EventEnvelope) {
  const { openedAt, beganAt, peak } = known.doc
  if (fact.generation < known.generation) return { openedAt, beganAt, peak }
  const before = fact.generation === known.generation ? { beganAt, peak } : {}
  const at = logTimeOf(event)
  const reported = [before.peak, fact.progress].filter((progress) => progress !== undefined)
  return {
    openedAt: firstOf(known, fact, at),
    beganAt: event.type === 'task.started' ? earlier(before.beganAt, at) : before.beganAt,
    peak: reported.length === 0 ? undefined : Math.max(...reported),
  }
}

const rankOf = ({ generation, version, status }: PlanModel | TaskModel): Rank => ({
  generation,
  version,
  ended: hasEnded(status),
})

const uuid = (prefix: string, id: string | undefined): string | undefined =>
  id === undefined ? undefined : toUuid(prefix, id)
