import { type Json, withoutUndefined } from '@soma/kernel'
import type { AnyEvent, DataInput } from '../define/event.ts'
import { parseData } from '../define/parse-data.ts'
import type { Machine } from '../machine/state-machine.ts'
import { derivedId } from '../run/derived-ids.ts'
import { follow, type Handling, responseOf } from '../run/handling.ts'
import { ignoringConflict } from './delegation.ts'
import { openGate } from './gates.ts'
import type { State } from './kept-state.ts'
import { openPlan, type PlanContext } from './plan-context.ts'

/** What a planner is asked to reach. */
export interface GoalContext<Data = unknown> {
  readonly type: string
  readonly data: Data
  readonly eventId: string
  readonly correlationId: string
  readonly responseType: string | undefined
  readonly responseSchema: string | undefined
  readonly sessionId: string | undefined
  readonly userId: string | undefined
  /** Publishes an event in the matter of the goal, with the ack. Answers its id. */
  dispatch<Event extends AnyEvent>(event: Event, data: DataInput<Event>): string
}

export interface PlanOptions {
  readonly title?: string
  readonly description?: string
  /** Default: the planner's own. */
  readonly stateMachine?: Machine
  /** Default: the first state of the machine. */
  readonly currentState?: string
  readonly state?: State
  readonly visibility?: 'private' | 'space' | 'tenant'
  readonly deadlineAt?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Tells several plans of one goal apart. */
  readonly key?: string
}

export function openGoal(handling: Handling, data: unknown): GoalContext {
  const { event } = handling
  return {
    type: event.type,
    data,
    eventId: event.id,
    correlationId: event.correlationid ?? event.id,
    responseType: event.responsetype,
    responseSchema: event.responseschema,
    sessionId: event.sessionid,
    userId: event.userid,
    dispatch: (definition, input) => {
      const outgoing = follow(
        handling,
        { type: definition.type, topic: definition.topic, data: parseData(definition, input) },
        responseOf(definition),
      )
      handling.emits.push(outgoing)
      return outgoing.id
    },
  }
}

/** Makes the plan of a goal, or finds the one that an earlier handling of the same goal event made. */
export async function createPlanFromGoal(
  handling: Handling,
  goal: GoalContext,
  options: PlanOptions & { machine?: Machine | undefined },
): Promise<PlanContext> {
  const { event, clients, agent } = handling
  const planId = derivedId('plan', goal.eventId, agent.name, options.key ?? 'plan')
  const machine = options.stateMachine ?? options.machine
  const body = withoutUndefined({
    planId,
    title: options.title ?? goal.type.replace(/\.requested$/, ''),
    description: options.description,
    goal: withoutUndefined({
      type: goal.type,
      data: goal.data as Json,
      eventId: goal.eventId,
      correlationId: goal.correlationId,
      responseType: goal.responseType,
      responseTopic: event.responsetopic as 'action-results' | undefined,
      responseSchema: goal.responseSchema,
    }),
    stateMachine: machine?.states,
    currentState: machine === undefined ? undefined : (options.currentState ?? machine.first),
    state: options.state,
    visibility: options.visibility,
    deadlineAt: options.deadlineAt,
    labels: { ...options.labels, planner: agent.name },
    sessionId: event.sessionid?.startsWith('ses_') === true ? event.sessionid : undefined,
  })
  // By its id alone: an Idempotency-Key that a killed server holds would refuse the repeat for a minute, and there would be no plan yet.
  const made = await ignoringConflict(() => clients.plans.plans.create({ body: body as never }))
  const plan = made ?? (await clients.plans.plans.get({ params: { planId } }))
  return openPlan(handling, plan, openGate)
}
