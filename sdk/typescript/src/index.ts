export { isProblem, Problem, problem, silentLogger } from '@soma/kernel'
export type { Clock, EventEnvelope, Json, Logger, Topic } from '@soma/kernel'
export { defineChoreographyPlanner } from './choreography/choreography-planner.ts'
export { chatModel, type ChatModelOptions } from './choreography/chat-model.ts'
export type { BreakerLimits } from './choreography/breakers.ts'
export type { NextAction, PlannerDecision } from './choreography/decision.ts'
export {
  createEventSelector,
  type EventSelector,
  type EventSelectorOptions,
  type Selection,
  type SelectionState,
} from './choreography/event-selector.ts'
export type {
  DiscoverOptions,
  EventCandidate,
  EventChoice,
  EventToolkit,
  Fit,
  ToolDefinition,
} from './choreography/event-toolkit.ts'
export type { DecisionModel, ModelQuestion } from './choreography/model.ts'
export type { ChoreographyOptions } from './choreography/options.ts'
export type { ConnectOptions, InProcessPlatform } from './clients/connect.ts'
export { type DelegateOptions, type DelegationSpec, spec } from './context/delegation.ts'
export type { FailureInput, ProblemValue } from './context/failure.ts'
export type { GateOptions } from './context/gates.ts'
export type { GoalContext, PlanOptions } from './context/goal-context.ts'
export type { State } from './context/kept-state.ts'
export type { IdentityContext } from './context/identity-context.ts'
export type { MemoryContext, Recalled, Remembered, Retrieved } from './context/memory-context.ts'
export type { PlanContext, Trigger } from './context/plan-context.ts'
export type {
  BusContext,
  GatesContext,
  PlansContext,
  PlatformContext,
  RegistryContext,
} from './context/platform-context.ts'
export type { ResultContext } from './context/result-context.ts'
export type { GroupView, SubTask, TaskContext } from './context/task-context.ts'
export type { Fresh, TrackerContext } from './context/tracker-context.ts'
export type { SetOptions, WorkingMemory } from './context/working-memory.ts'
export type { AgentKind, AgentOptions, CapabilityOptions, Hook, HookContext } from './define/agent-definition.ts'
export type {
  AgentBase,
  Planner,
  Tool,
  WorkerBase,
} from './define/agent.ts'
export { defineAgent, definePlanner, defineTool, defineWorker } from './define/agents.ts'
export {
  type AnyEvent,
  type DataInput,
  defineEvent,
  type EventData,
  type EventOptions,
  type ResponseInput,
  type SomaEvent,
} from './define/event.ts'
export type { DecisionContext, EventContext, InvocationContext, TransitionContext } from './define/handlers.ts'
export type { StandardSchema } from './define/standard-schema.ts'
export { defineStateMachine, type Machine, type StateInput } from './machine/state-machine.ts'
export type { RunningAgent, StartOptions } from './run/agent-runtime.ts'
export { sdkProblems } from './sdk-problems.ts'
