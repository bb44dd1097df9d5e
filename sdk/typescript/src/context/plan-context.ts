import { isProblem, type Json } from '@soma/kernel'
import type { Plan, StateMachine } from '@soma/plans/contract'
import type { AnyEvent, DataInput } from '../define/event.ts'
import { fillTemplates } from '../machine/templates.ts'
import { isTerminal } from '../machine/next-state.ts'
import { defined, type Handling } from '../run/handling.ts'
import { createDelegations, type DelegateOptions, type DelegationSpec, ignoringConflict } from './delegation.ts'
import { failedData, type FailureInput } from './failure.ts'
import type { GateOptions } from './gates.ts'
import { closeState, isSameState, openState, type State, withoutMarker } from './kept-state.ts'
import { saveMerged } from './save-merged.ts'
import { absentAsUndefined, type GroupView, toGroupView } from './task-context.ts'

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
  readonly goal: { readonly type: string; readonly data: Goal }
  readonly status: string
  readonly stateMachine: StateMachine | undefined
  readonly currentState: string | undefined
  /** Results of transitions by event type; `userInput` after a resume with input. */
  readonly results: Readonly<Record<string, Json>>
  /** Yours, at most 1 MiB of JSON; saved by `save`, and when the handler returns. */
  readonly state: State
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
  /** Enters the state that the trigger leads to, without one the default state, and does its action. */
  executeNext(trigger?: Trigger): void
  /** True when the machine stands, or is about to stand, in a terminal state. */
  isComplete(): boolean
  /** Ends the plan and answers the requester, in one commit. */
  finalize(result?: unknown): void
  fail(failure: FailureInput): void
  pause(reason: string): Promise<void>
  resume(input?: Json): Promise<void>
  /** Writes the state now. @throws Problem `version-conflict` when another wrote the same member. */
  save(): Promise<void>
}

type End = { outcome: 'completed'; result: Json } | { outcome: 'failed'; problem: { code: string; detail: string } }

interface Move {
  readonly fromState: string
  readonly toState: string
  readonly on?: string
  readonly data?: Json
}

/** More moves in one handler mean a machine that runs in a circle by default edges. */
const MAXIMUM_MOVES = 50

export function openPlan(handling: Handling, plan: Plan, gates: OpenGateTask): PlanContext {
  const { clients, event } = handling
  const params = { planId: plan.planId }
  const opened = openState(plan.state, event.id)
  const { value: state } = opened
  const before = structuredClone(state)
  const delegations = createDelegations(handling)
  const machine = plan.stateMachine
  const moves: Move[] = []
  let base = opened.isRepeat ? withoutMarker(plan.state) : structuredClone(state)
  let version = plan.version
  let currentState = opened.from ?? plan.currentState
  let end: End | undefined
  const results: Record<string, Json> = { ...plan.results }
  const from = currentState
  const marked = (value: State) =>
    closeState(value, { eventId: event.id, before, ...(from === undefined ? {} : { from }) })

  const write = async (close: (value: State) => State) => {
    const { saved, state: written } = await saveMerged({
      version,
      base,
      mine: structuredClone(state),
      put: (value, expected) => clients.plans.plans.putState({ params, ifMatch: expected, body: { state: value } }),
      reload: async () => {
        const now = await clients.plans.plans.get({ params })
        return { version: now.version, state: now.state }
      },
      close,
    })
    version = saved.version
    base = written
    for (const name of Object.keys(state)) delete state[name]
    Object.assign(state, structuredClone(written))
  }

  const flush = async () => {
    const hasEnded = isEnded(plan)
    if (!hasEnded && moves.length === 0 && !isSameState(base, state)) await write(marked)
    for (const move of moves) await writeMove(move)
    for (const { specs, groupId } of delegations.batches) {
      const body = {
        specs: specs as never,
        group: groupId !== undefined,
        ...(groupId === undefined ? {} : { groupId }),
      }
      await ignoringConflict(() => clients.plans.plans.delegate({ params, body }))
    }
    if (end === undefined || isTerminalNow()) return
    const finish = () => clients.plans.plans.finish({ params, body: end as never })
    await (hasEnded ? ignoringConflict(finish) : finish())
  }
  const isTerminalNow = () => moves.length > 0 && machine !== undefined && isTerminal(machine[currentState as string])
  const writeMove = async (move: Move) => {
    const ending = isTerminal(machine?.[move.toState]) ? endingOf(end, results) : {}
    if (isEnded(plan)) return
    const body = { ...move, ...ending, eventId: event.id, state: marked(state) }
    try {
      await clients.plans.plans.transition({ params, body })
    } catch (error) {
      // A repeat finds the moves that its first run made.
      if (!opened.isRepeat || !isProblem(error) || error.code !== 'illegal-transition') throw error
    }
  }
  handling.effects.push(flush)

  const act = (name: string) => {
    const action = machine?.[name]?.action
    if (action === undefined) return
    const data = fillTemplates(action.data ?? {}, { goal: { data: plan.goal?.data }, results, state })
    const taskId = handling.id('task', action.event)
    const task = { taskId, kind: 'agent' as const, type: action.event, data, responseType: action.response }
    delegations.batches.push({ specs: [defined(task) as never] })
  }
  const enter = (move: Move) => {
    if (moves.length >= MAXIMUM_MOVES) throw new RangeError(`plan ${plan.planId} made ${MAXIMUM_MOVES} moves at once`)
    moves.push(move)
    currentState = move.toState
    act(move.toState)
  }

  return {
    planId: plan.planId,
    title: plan.title,
    goal: { type: plan.goal?.type ?? '', data: plan.goal?.data },
    status: plan.status,
    stateMachine: machine,
    get currentState() {
      return currentState
    },
    results,
    state,
    parentPlanId: plan.parentPlanId,
    sessionId: plan.sessionId,
    correlationId: plan.goal?.correlationId,
    get version() {
      return version
    },
    delegate: (event, data, options = {}) => delegations.add(event, data, options),
    delegateParallel: (specs) => delegations.addGroup(specs),
    group: async (groupId) =>
      toGroupView(await clients.plans.groups.ofPlan({ params: { planId: plan.planId, groupId } })),
    async openGate(gate) {
      const gateId = await gates(handling, plan.planId, gate)
      const responseType = gateDecisionType(handling.agent.name)
      delegations.addGate({ gateId, key: gate.key, name: gate.title, responseType })
      return gateId
    },
    executeNext(trigger) {
      const fromState = currentState
      const at = fromState === undefined ? undefined : machine?.[fromState]
      if (fromState === undefined || at === undefined) {
        throw new TypeError(`plan ${plan.planId} has no state machine to execute`)
      }
      if (trigger !== undefined) {
        results[trigger.on] = trigger.data
        enter({ fromState, toState: trigger.nextState, on: trigger.on, data: trigger.data })
      } else if (at.defaultNext === undefined) act(fromState)
      else enter({ fromState, toState: at.defaultNext })
    },
    isComplete: () => isEnded(plan) || (currentState !== undefined && isTerminal(machine?.[currentState])),
    finalize: (result = null) => void (end = { outcome: 'completed', result: result as Json }),
    fail: (failure) => void (end = { outcome: 'failed', problem: failedData(failure).problem }),
    async pause(reason) {
      await clients.plans.plans.pause({ params, body: { reason } })
    },
    async resume(input) {
      await clients.plans.plans.resume({ params, body: input === undefined ? {} : { input } })
    },
    save: () => write((value) => value),
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
  return { result: end?.result ?? results }
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
