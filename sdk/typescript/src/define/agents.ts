import type { Topic } from '@soma/kernel'
import { defineStateMachine, type Machine, type StateInput } from '../machine/state-machine.ts'
import { createAgentLife } from '../run/agent-life.ts'
import {
  type AgentBase,
  createHandlerList,
  decisionTypeOf,
  PLAN_RESUMED,
  type Planner,
  type Tool,
  type WorkerBase,
} from './agent.ts'
import type { AgentDefinition, AgentKind, AgentOptions, Hook } from './agent-definition.ts'
import type { AnyEvent } from './event.ts'
import type { HandlerEntry } from './handlers.ts'

/** A stateful worker: takes tasks, may delegate, answers once. */
export function defineWorker(options: AgentOptions): WorkerBase {
  const { base, add } = createAgent('worker', options)
  return { ...base, ...workerHandlers(add) }
}

/** A stateless tool: what its handler returns is the reply. */
export function defineTool(options: AgentOptions): Tool {
  const { base, add } = createAgent('tool', options)
  return { ...base, onInvoke: (event, handle) => add({ ...placeOf(event), role: 'invoke', handle: handle as never }) }
}

/** A plain handler of events, that may take tasks as well. */
export function defineAgent(options: AgentOptions): WorkerBase {
  const { base, add } = createAgent('agent', options)
  return { ...base, ...workerHandlers(add) }
}

/** Owns plans: takes goals, delegates, and decides what comes next. With a `stateMachine`, plans follow it. */
export function definePlanner(
  options: AgentOptions & { readonly stateMachine?: Machine | Readonly<Record<string, StateInput>> },
): Planner {
  const { stateMachine, ...others } = options
  const machine = stateMachine === undefined ? undefined : toMachine(stateMachine)
  const { base, add } = createAgent('planner', others, machine)
  return {
    ...base,
    onGoal: (event, handle) => add({ ...placeOf(event), role: 'goal', handle: handle as never }),
    onResult: workerHandlers(add).onResult,
    onTransition(handle) {
      if (machine === undefined) throw new TypeError(`planner "${options.name}" has no stateMachine`)
      for (const event of machine.triggers) add({ ...placeOf(event), role: 'transition', handle })
    },
    onDecision: (handle) => add({ ...decisionTypeOf(options.name), role: 'decision', handle }),
    onResume: (handle) => add({ ...PLAN_RESUMED, role: 'resume', handle }),
  }
}

const toMachine = (machine: Machine | Readonly<Record<string, StateInput>>): Machine =>
  'states' in machine && 'triggers' in machine
    ? (machine as Machine)
    : defineStateMachine(machine as Readonly<Record<string, StateInput>>)

function placeOf(event: AnyEvent) {
  if (typeof event === 'string') throw new TypeError(`handle "${event}" by its definition; '*' is for onEvent alone`)
  return { topic: event.topic, type: event.type, event }
}

const workerHandlers = (add: (entry: HandlerEntry) => void): Pick<WorkerBase, 'onTask' | 'onResult'> => ({
  onTask: (event, handle) => add({ ...placeOf(event), role: 'task', handle: handle as never }),
  onResult: (event, handle) => add({ ...placeOf(event), role: 'result', handle: handle as never }),
})

function createAgent(kind: AgentKind, options: AgentOptions, machine?: Machine) {
  if (!/^[a-z0-9][a-z0-9._-]{0,127}$/.test(options.name)) {
    throw new TypeError(`agent name "${options.name}" must be 1–128 of a–z, 0–9, dot, underscore and hyphen`)
  }
  const { entries, add } = createHandlerList(options.name)
  const startup: Hook[] = []
  const shutdown: Hook[] = []
  const definition: AgentDefinition = { kind, options, machine, entries, startup, shutdown }
  const onEvent = (event: AnyEvent | '*', second: unknown, third?: unknown) => {
    if (event === '*') add({ topic: second as Topic, type: '*', role: 'event', handle: third as never })
    else add({ ...placeOf(event), role: 'event', handle: second as never })
  }
  const base: AgentBase = {
    name: options.name,
    definition,
    onEvent: onEvent as AgentBase['onEvent'],
    onStartup: (hook) => void startup.push(hook),
    onShutdown: (hook) => void shutdown.push(hook),
    ...createAgentLife(definition),
  }
  return { base, add }
}
