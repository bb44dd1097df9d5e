import { type EventEnvelope, toUuid, traceIdOf } from '@soma/kernel'
import * as z from 'zod'
import { isPlanFact, isTaskFact, logTimeOf, planFact, taskFact } from './facts.ts'

/** A row of the timeline: the fact without its payload (TRK-R31). */
export interface EntryRow {
  readonly event_id: string
  readonly plan_id: string | undefined
  readonly task_id: string | undefined
  readonly at: string
  readonly sequence: string
  readonly topic: string
  readonly kind: string
  readonly type: string
  readonly actor: string | undefined
  /** Who had the task. */
  readonly agent: string | undefined
  readonly causation_id: string | undefined
  readonly correlation_id: string | undefined
  readonly trace_id: string | undefined
  readonly reply: boolean
  readonly entity: 'plan' | 'task' | undefined
  readonly version: number | undefined
  readonly generation: number | undefined
  readonly attempt: number | undefined
  readonly duration_ms: number | undefined
  readonly outcome: string | undefined
  readonly summary: string
  readonly space_id: string
  readonly user_id: string | undefined
}

type Told = Partial<
  Pick<EntryRow, 'entity' | 'version' | 'generation' | 'attempt' | 'duration_ms' | 'outcome' | 'actor' | 'agent'>
> & { summary: string; planId?: string | undefined; taskId?: string | undefined }

const gateFact = z.object({
  gateId: z.string(),
  title: z.string().optional(),
  outcome: z.string().optional(),
  what: z.string().optional(),
  principalId: z.string().optional(),
  deciders: z.array(z.unknown()).optional(),
  subject: z.object({ planId: z.string().optional(), taskId: z.string().optional() }).optional(),
})
const deadLetterFact = z.object({
  group: z.string(),
  type: z.string(),
  attempts: z.number().int(),
  problem: z.object({ code: z.string() }),
})

/** The timeline entry of any event: known facts are told in words, others by their type. */
export function entryOf(event: EventEnvelope): EntryRow {
  const told = tell(event)
  return {
    event_id: event.id,
    plan_id: uuid('plan', event.planid ?? told.planId),
    task_id: firstTask(event.taskid, told.taskId, event.partitionkey, event.correlationid),
    at: logTimeOf(event),
    sequence: event.sequence ?? '',
    topic: event.topic,
    kind: kindOf(event),
    type: event.type,
    actor: told.actor ?? event.authid,
    agent: told.agent,
    causation_id: event.causationid,
    correlation_id: event.correlationid,
    trace_id: event.traceparent === undefined ? undefined : traceIdOf(event.traceparent),
    reply: event.topic === 'action-results',
    entity: told.entity,
    version: told.version,
    generation: told.generation,
    attempt: told.attempt,
    duration_ms: told.duration_ms,
    outcome: told.outcome ?? event.outcome,
    summary: told.summary.slice(0, 200),
    space_id: event.spaceid ?? '',
    user_id: event.userid,
  }
}

/** Whoever did not stamp the task may still name it: as the key of a request, or as its correlation. */
const firstTask = (...ids: readonly (string | undefined)[]): string | undefined =>
  ids.map((id) => uuid('task', id)).find((id) => id !== undefined)

const uuid = (prefix: string, id: string | undefined): string | undefined =>
  id === undefined ? undefined : toUuid(prefix, id)

function kindOf(event: EventEnvelope): string {
  const noun = event.type.slice(0, event.type.indexOf('.'))
  if (noun === 'delivery') return 'delivery'
  if (event.topic === 'action-requests' || event.topic === 'action-results') return 'event'
  return ['plan', 'task', 'tool', 'model', 'memory', 'decision', 'gate', 'message'].includes(noun) ? noun : 'event'
}

function tell(event: EventEnvelope): Told {
  if (isPlanFact(event)) return tellPlan(event)
  if (isTaskFact(event)) return tellTask(event)
  if (event.type.startsWith('gate.')) return tellGate(event)
  if (event.type === 'delivery.dead-lettered') return tellDeadLetter(event)
  if (event.topic === 'action-requests') return { summary: `${event.type} asked` }
  if (event.topic === 'action-results')
    return { summary: `${event.type} answered${event.outcome === 'failed' ? ': failed' : ''}` }
  return { summary: event.type }
}

function tellPlan(event: EventEnvelope): Told {
  const parsed = planFact.safeParse(event.data)
  if (!parsed.success) return { summary: event.type }
  const fact = parsed.data
  const edge = fact.toState === undefined ? '' : ` ${fact.fromState} → ${fact.toState}`
  return {
    entity: 'plan',
    version: fact.version,
    generation: fact.generation,
    actor: fact.byId,
    outcome: fact.problem?.code ?? fact.outcome,
    planId: fact.planId,
    summary: `plan ${event.type.slice(5)}${edge}${because(fact.reason ?? fact.problem?.code)}`,
  }
}

function tellTask(event: EventEnvelope): Told {
  const parsed = taskFact.safeParse(event.data)
  if (!parsed.success) return { summary: event.type }
  const fact = parsed.data
  const verb = event.type.slice(5)
  const attempt = verb === 'started' || fact.delivery > 1 ? `, attempt ${fact.delivery}` : ''
  const by = fact.agent === undefined ? '' : ` by ${fact.agent.name}`
  return {
    entity: 'task',
    version: fact.version,
    generation: fact.generation,
    attempt: fact.delivery,
    duration_ms: verb === 'completed' || verb === 'failed' || verb === 'cancelled' ? fact.runMs : undefined,
    actor: fact.byId,
    agent: fact.agent?.name,
    outcome: fact.problem?.code ?? fact.outcome,
    planId: fact.planId,
    taskId: fact.taskId,
    summary: `${fact.name} ${verb}${by}${attempt}${because(fact.reason ?? fact.waiting?.reason ?? fact.problem?.code)}`,
  }
}

function tellGate(event: EventEnvelope): Told {
  const parsed = gateFact.safeParse(event.data)
  if (!parsed.success) return { summary: event.type }
  const fact = parsed.data
  const deciders =
    event.type === 'gate.decided' ? (fact.deciders ?? []).filter((who): who is string => typeof who === 'string') : []
  const who =
    deciders.length > 0 ? ` by ${deciders.join(', ')}` : fact.principalId === undefined ? '' : ` by ${fact.principalId}`
  return {
    actor: deciders[0] ?? fact.principalId,
    outcome: fact.outcome ?? fact.what,
    planId: fact.subject?.planId,
    taskId: fact.subject?.taskId,
    summary: `gate ${event.type.slice(5)}${fact.title === undefined ? '' : ` "${fact.title}"`}${fact.outcome === undefined ? '' : `: ${fact.outcome}`}${fact.what === undefined ? '' : `: ${fact.what}`}${who}`,
  }
}

function tellDeadLetter(event: EventEnvelope): Told {
  const parsed = deadLetterFact.safeParse(event.data)
  if (!parsed.success) return { summary: event.type }
  const { group, type, attempts, problem } = parsed.data
  return {
    outcome: problem.code,
    attempt: attempts,
    summary: `${type} given up by ${group} after ${attempts} attempts: ${problem.code}`,
  }
}

const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${reason}`)
