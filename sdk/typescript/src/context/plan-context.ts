import { absentAsUndefined } from './absent.ts'
import { isProblem, type Json, type Topic, withoutUndefined } from '@soma/kernel'
import type { MachineState, Plan, StateMachine } from '@soma/plans/contract'
import type { AnyEvent, DataInput } from '../define/event.ts'
import { fillTemplates } from '../machine/templates.ts'
import { isTerminal } from '../machine/next-state.ts'
import { type Handling } from '../run/handling.ts'
import {
  createDelegations,
  type DelegateOptions,
  type Delegations,
  type DelegationSpec,
  ignoringConflict,
} from './delegation.ts'
import { failedData, type FailureInput } from './failure.ts'
import type { GateOptions } from './gates.ts'
import { openState, type State } from './kept-state.ts'
import { createStateKeeper, type StateKeeper } from './state-keeper.ts'
import { NO_STATE, openEnding, type StateBeside } from './state-ending.ts'
import { type GroupView, toGroupView } from './task-context.ts'
import { createWorkingMemory, type WorkingMemory } from './working-memory.ts'

/** What makes a plan move: the reply or fact that is handled, with the state it leads to. */
export interface Trigger {
  readonly on: string
  readonly data: Json
  readonly nextState: string
}

/** A plan in the hands of its planner. Delegations, state and end are written when the handler has returned; a repeat of the handler writes them once. */
export interface PlanContext<Goal = unknown> {
  readonly planId: string
  readonly title: string
  readonly goal: {
    readonly type: string
    readonly data: Goal
    /** What the requester waits for. */
    readonly responseType: string | undefined
    readonly responseTopic: Topic | undefined
  }
  readonly status: string
  readonly stateMachine: StateMachine | undefined
  readonly currentState: string | undefined
  /** Results of transitions by event type; `userInput` after a resume with input. */
  readonly results: Readonly<Record<string, Json>>
  /** Yours, at most 1 MiB of JSON; saved by `save`, and when the handler returns. */
  readonly state: State
  /** Values that all who work in the plan share; they go when it ends. */
  readonly shared: WorkingMemory
  readonly parentPlanId: string | undefined
  readonly sessionId: string | undefined
  readonly correlationId: string | undefined
  readonly version: number
  /** Hands out a task of the plan; its reply comes to `onResult` or `onTransition`. Answers its id. */
  delegate<Event extends AnyEvent>(event: Event, data: DataInput<Event>, options?: DelegateOptions): string
  /** Hands out up to 100 tasks at once. `onResult` of the one that ends last sees `group.done`. */
  delegateParallel(specs: readonly DelegationSpec[]): string
  group(groupId: string): Promise<GroupView>
  /** Opens a gate and waits for it as a task of the plan: its decision comes to `onDecision`. Opening again is the same gate. Answers its id. */
  openGate(gate: GateOptions): Promise<string>
  /** A task that completes by itself after so long; its reply, of the given type, comes to `onResult`. Answers its id. */
  startTimer(timeoutMs: number, timer: { readonly response: AnyEvent; readonly name?: string }): string
  /** Enters the state that the trigger leads to, without one the default state, and does its action. */
  executeNext(trigger?: Trigger): void
  /** True when the machine stands, or is about to stand, in a terminal state. */
  isComplete(): boolean
  /** Ends the plan and answers the requester, in one commit. */
  finalize(result?: unknown): void
  fail(failure: FailureInput): void
  /** Ends the plan as cancelled, for a reason of at most 500 characters; open tasks are cancelled and the requester hears once. */
  cancel(reason: string): void
  pause(reason: string): Promise<void>
  resume(input?: Json): Promise<void>
  /** Writes the state now. @throws Problem `version-conflict` when another wrote the same member. */
  save(): Promise<void>
}

type End =
  | { outcome: 'cancelled'; reason: string }
  | { outcome: 'completed'; result: Json }
  | { outcome: 'failed'; problem: { code: string; detail: string } }

interface Move {
  readonly fromState: string
  readonly toState: string
  readonly on?: string
  readonly data?: Json
}

/** More moves in one handler mean a machine that runs in a circle by default edges. */
const MAXIMUM_MOVES = 50

export function openPlan(handling: Handling, plan: Plan, gates: OpenGateTask): PlanContext {
  const params = { planId: plan.planId }
  const { plans, groups } = handling.clients.plans
  const keeper = keepPlanState(handling, plan)
  const delegations = createDelegations(handling)
  const work: PlanWork = {
    handling,
    plan,
    keeper,
    delegations,
    moves: [],
    currentState: keeper.from,
    results: { ...plan.results },
  }
  handling.effects.push(() => writePlan(work))
  return {
    planId: plan.planId,
    title: plan.title,
    goal: {
      type: plan.goal?.type ?? '',
      data: plan.goal?.data,
      responseType: plan.goal?.responseType,
      responseTopic: plan.goal?.responseTopic,
    },
    status: plan.status,
    stateMachine: plan.stateMachine,
    get currentState() {
      return work.currentState
    },
    results: work.results,
    state: keeper.state,
    shared: createWorkingMemory(handling, plan.planId),
    parentPlanId: plan.parentPlanId,
    sessionId: plan.sessionId,
    correlationId: plan.goal?.correlationId,
    get version() {
      return keeper.version()
    },
    delegate: (event, data, options = {}) => delegations.add(event, data, options),
    delegateParallel: (specs) => delegations.addGroup(specs),
    group: async (groupId) => toGroupView(await groups.ofPlan({ params: { ...params, groupId } })),
    async openGate(gate) {
      const gateId = await gates(handling, plan.planId, gate)
      const responseType = gateDecisionType(handling.agent.name)
      delegations.addGate({ gateId, key: gate.key, name: gate.title, responseType })
      return gateId
    },
    startTimer: (timeoutMs, { response, name }) =>
      delegations.addTimer(withoutUndefined({ timeoutMs, name, responseType: response.type })),
    executeNext: (trigger) => executeNext(work, trigger),
    isComplete: () => isEnded(plan) || isTerminal(stateOf(work, work.currentState)),
    finalize: (result = null) => void (work.end = { outcome: 'completed', result: result as Json }),
    fail: (failure) => void (work.end = { outcome: 'failed', problem: failedData(failure).problem }),
    cancel: (reason) => void (work.end = { outcome: 'cancelled', reason }),
    async pause(reason) {
      await plans.pause({ params, body: { reason } })
    },
    async resume(input) {
      await plans.resume({ params, body: input === undefined ? {} : { input } })
    },
    save: keeper.save,
  }
}

/** What one handling does to a plan, until it is written. */
interface PlanWork {
  readonly handling: Handling
  readonly plan: Plan
  readonly keeper: StateKeeper
  readonly delegations: Delegations
  readonly moves: Move[]
  readonly results: Record<string, Json>
  currentState: string | undefined
  end?: End
}

const stateOf = (work: PlanWork, name: string | undefined): MachineState | undefined =>
  name === undefined ? undefined : work.plan.stateMachine?.[name]

function keepPlanState({ clients, event }: Handling, plan: Plan): StateKeeper {
  const params = { planId: plan.planId }
  return createStateKeeper(plan, {
    eventId: event.id,
    from: plan.currentState,
    put: (state, version) => clients.plans.plans.putState({ params, ifMatch: version, body: { state } }),
    reload: () => clients.plans.plans.get({ params }),
  })
}

function executeNext(work: PlanWork, trigger: Trigger | undefined): void {
  const fromState = work.currentState
  const at = stateOf(work, fromState)
  if (fromState === undefined || at === undefined) {
    throw new TypeError(`plan ${work.plan.planId} has no state machine to execute`)
  }
  if (trigger !== undefined) {
    work.results[trigger.on] = trigger.data
    enter(work, { fromState, toState: trigger.nextState, on: trigger.on, data: trigger.data })
  } else if (at.defaultNext === undefined) act(work, at)
  else enter(work, { fromState, toState: at.defaultNext })
}

function enter(work: PlanWork, move: Move): void {
  if (work.moves.length >= MAXIMUM_MOVES) {
    throw new RangeError(`plan ${work.plan.planId} made ${MAXIMUM_MOVES} moves at once`)
  }
  work.moves.push(move)
  work.currentState = move.toState
  const state = stateOf(work, move.toState)
  if (state !== undefined) act(work, state)
}

/** Hands out the action of a state as a task of the plan. */
function act({ handling, plan, keeper, results, delegations }: PlanWork, { action }: MachineState): void {
  if (action === undefined) return
  const data = fillTemplates(action.data ?? {}, { goal: { data: plan.goal?.data }, results, state: keeper.state })
  const taskId = handling.id('task', action.event)
  const task = { taskId, kind: 'agent' as const, type: action.event, data, responseType: action.response }
  delegations.batches.push({ specs: [withoutUndefined(task) as never] })
}

/** Transitions first, then tasks, then the end: what a crash cuts off is made by the repeat. The state goes with the first of tasks and end, in one commit. */
async function writePlan(work: PlanWork): Promise<void> {
  const { handling, plan, keeper, delegations, moves, end } = work
  const { plans } = handling.clients.plans
  const params = { planId: plan.planId }
  const needsMarker = end !== undefined && handling.emits.length > 0
  const hasState = !isEnded(plan) && moves.length === 0 && (keeper.isChanged() || needsMarker)
  const ending = hasState ? openEnding(keeper) : NO_STATE
  for (const move of moves) await writeMove(work, move)
  for (const { specs, groupId } of delegations.batches) {
    const body = { specs: specs as never, group: groupId !== undefined, ...(groupId === undefined ? {} : { groupId }) }
    const delegate = (beside: StateBeside) => plans.delegate({ params, body: { ...body, ...beside } })
    if (!(await ending.goesWith(delegate))) await ignoringConflict(() => delegate({}))
  }
  const isMoveTheEnd = end?.outcome !== 'cancelled' && moves.length > 0 && isTerminal(stateOf(work, work.currentState))
  if (end === undefined || isMoveTheEnd) return ending.goesAlone()
  if (end.outcome === 'cancelled') await ending.goesAlone()
  const finish = (beside: StateBeside) =>
    end.outcome === 'cancelled'
      ? plans.cancel({ params, body: { reason: end.reason } })
      : plans.finish({ params, body: { ...end, ...beside } })
  if (await ending.goesWith(finish)) return
  await (isEnded(plan) ? ignoringConflict(() => finish({})) : finish({}))
}

async function writeMove({ handling, plan, keeper, results, end }: PlanWork, move: Move): Promise<void> {
  if (isEnded(plan)) return
  const ending = isTerminal(plan.stateMachine?.[move.toState]) ? endingOf(end, results) : {}
  const body = { ...move, ...ending, eventId: handling.event.id, state: keeper.end() }
  try {
    await handling.clients.plans.plans.transition({ params: { planId: plan.planId }, body })
  } catch (error) {
    // A repeat finds the moves that its first run made.
    if (!keeper.isRepeat || !isProblem(error) || error.code !== 'illegal-transition') throw error
  }
}

/** Opens a gate about a plan; answers its id. */
export type OpenGateTask = (handling: Handling, planId: string, gate: GateOptions) => Promise<string>

/** The type in which an agent hears of decisions at its gates. */
export const gateDecisionType = (agentName: string): string =>
  `${agentName.replaceAll(/[^a-z0-9-]+/g, '-').replace(/^[^a-z]+/, 'agent-')}.gate-decided`

const isEnded = (plan: Plan): boolean => ['completed', 'failed', 'cancelled'].includes(plan.status)

function endingOf(end: End | undefined, results: Record<string, Json>) {
  if (end?.outcome === 'failed') return { problem: end.problem }
  return { result: end?.outcome === 'completed' ? end.result : results }
}

/** The plan of an id, if it is one of this planner's. */
export async function restorePlan(
  handling: Handling,
  planId: string,
  gates: OpenGateTask,
): Promise<PlanContext | undefined> {
  const plan = await absentAsUndefined(() => handling.clients.plans.plans.get({ params: { planId } }))
  return plan === undefined || !isOfPlanner(plan, handling) ? undefined : openPlan(handling, plan, gates)
}

/** A finished plan is of no more interest, unless this very event has finished it and is handled again. */
export const isOfPlanner = (plan: Plan, handling: Handling): boolean =>
  plan.labels.planner === handling.agent.name && (!isEnded(plan) || openState(plan.state, handling.event.id).isRepeat)
