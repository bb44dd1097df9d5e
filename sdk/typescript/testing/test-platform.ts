import { type EventEnvelope, type Logger, silentLogger, type Transport } from '@soma/kernel'
import type { Gate } from '@soma/governance/contract'
import type { Plan, Task } from '@soma/plans/contract'
import type { InProcessPlatform } from '../src/clients/connect.ts'
import type { AgentBase } from '../src/define/agent.ts'
import type { AnyEvent, DataInput } from '../src/define/event.ts'
import type { RunningAgent } from '../src/run/agent-runtime.ts'
import { failSometimes } from './fail-sometimes.ts'
import { createMemoryPlatform } from './memory/memory-platform.ts'

/** Where an agent can be killed. */
export type CrashPoint = 'before-save' | 'before-settle' | 'after-settle'

/** A platform in memory for tests of agents: the real SDK runs against it, time moves when you move it, and faults come when you ask for them. */
export interface TestPlatform extends InProcessPlatform {
  /** Starts agents; `stop` ends them. */
  start(...agents: readonly AgentBase[]): Promise<void>
  /** Publishes as a user and answers the event id. A request asks for the event's response. */
  publish<Event extends AnyEvent>(
    event: Event,
    data: DataInput<Event>,
    options?: { readonly correlationId?: string; readonly userId?: string },
  ): Promise<string>
  /** Publishes, settles, and answers the reply; undefined when there is none. */
  request<Event extends AnyEvent>(event: Event, data: DataInput<Event>): Promise<EventEnvelope | undefined>
  /** Runs until nothing is in hand and nothing more can be. What waits for time, a gate or an absent agent stays. */
  settle(): Promise<void>
  /** Moves time, ends leases, retries and time limits that are over, and settles. */
  advance(ms: number): Promise<void>
  /** What was published, by agents or by the platform, oldest first. */
  published(type?: string): readonly EventEnvelope[]
  tasks(): readonly Task[]
  plan(planId: string): Plan
  plans(): readonly Plan[]
  gates(): readonly Gate[]
  /** Decides an open gate and settles. */
  decide(
    gateId: string,
    decision: 'approve' | 'reject' | 'revise',
    options?: { edits?: unknown; instructions?: string },
  ): Promise<void>
  deadLetters(): readonly { readonly event: EventEnvelope; readonly problem: { code: string; detail: string } }[]
  /** Kills the named agent at the next such point; a new process of it starts at once. */
  crash(agent: string, at: CrashPoint): void
  /** Hands an event to its groups once more. */
  duplicate(eventId: string): Promise<void>
  /** Turns the order of what waits round; the order of one key stays. */
  reorder(): Promise<void>
  /** The next calls of agents to the platform fail with `unavailable`. */
  fail(times: number): void
  stop(): Promise<void>
}

/** Saves of tasks and plans. */
const SAVES = new Set(['putContext', 'putState', 'transition', 'delegate', 'finish'])
/** This often nothing may change before it counts as rest: handlers go on over several turns of the event loop. */
const QUIET_TURNS = 20

/** @param options `log` gets what agents log; default: nothing. */
export async function createTestPlatform(options: { readonly log?: Logger } = {}): Promise<TestPlatform> {
  const memory = createMemoryPlatform()
  const running = new Map<string, { agent: AgentBase; life: RunningAgent; kill: () => void }>()
  const crashes = new Map<string, CrashPoint>()
  const activity = { calls: 0, open: 0, failures: 0 }

  const launch = async (agent: AgentBase): Promise<void> => {
    const dead = new AbortController()
    const die = (): Promise<never> => {
      crashes.delete(agent.name)
      dead.abort()
      activity.open -= 1
      void relaunch(agent)
      return new Promise(() => undefined)
    }
    const transport: Transport = async (call) => {
      if (dead.signal.aborted) return new Promise(() => undefined)
      const point = crashes.get(agent.name)
      const isStream = call.operation.stream !== undefined
      activity.calls += 1
      activity.open += 1
      if (SAVES.has(call.verb) && point === 'before-save') return die()
      if (call.verb === 'settle' && point === 'before-settle') return die()
      if (isStream) activity.open -= 1
      try {
        failSometimes(activity)
        const signal = AbortSignal.any([dead.signal, ...(call.input.signal ? [call.input.signal as AbortSignal] : [])])
        const answer = await memory.platform.transport({ ...call, input: { ...call.input, signal } })
        return call.verb === 'settle' && point === 'after-settle' ? await die() : answer
      } finally {
        if (!isStream && !dead.signal.aborted) activity.open -= 1
      }
    }
    const { startAgent } = await import('../src/run/agent-runtime.ts')
    const platform = { transport, authenticate: memory.platform.authenticate }
    const life = await startAgent(agent.definition, { platform, clock: memory.clock, log: options.log ?? silentLogger })
    running.set(agent.name, { agent, life, kill: () => dead.abort() })
  }
  const relaunch = async (agent: AgentBase): Promise<void> => {
    activity.open += 1
    await launch(agent)
    activity.open -= 1
  }
  const settle = async (): Promise<void> => {
    for (let quiet = 0, calls = -1; quiet < QUIET_TURNS; ) {
      await new Promise((resolve) => setImmediate(resolve))
      const isQuiet = activity.calls === calls && activity.open === 0 && memory.deliveries.inHand() === 0
      quiet = isQuiet ? quiet + 1 : 0
      calls = activity.calls
    }
  }
  const publish: TestPlatform['publish'] = async (event, data, by = {}) => {
    const response =
      event.response === undefined ? {} : { responseType: event.response.type, responseTopic: event.response.topic }
    const input = {
      type: event.type,
      topic: event.topic,
      data,
      ...response,
      ...(by.correlationId === undefined ? {} : { correlationId: by.correlationId }),
    }
    const envelope = memory.log.admit(input, { userId: by.userId ?? 'usr-test' })
    memory.log.append(envelope)
    return envelope.id
  }
  return {
    ...memory.platform,
    async start(...agents) {
      for (const agent of agents) await launch(agent)
    },
    publish,
    async request(event, data) {
      const id = await publish(event, data)
      await settle()
      return memory.log.events.find((one) => one.correlationid === id && one.type === event.response?.type)
    },
    settle,
    async advance(ms) {
      memory.clock.advance(ms)
      memory.deliveries.wake()
      memory.plans.wake()
      await settle()
    },
    published: (type) => memory.log.events.filter((event) => type === undefined || event.type === type),
    tasks: memory.plans.tasks,
    plan: memory.plans.planOf,
    plans: memory.plans.plans,
    gates: memory.gates.list,
    async decide(gateId, decision, vote = {}) {
      const { payloadHash } = memory.gates.get(gateId)
      memory.gates.decide(gateId, { decision, payloadHash, ...vote })
      await settle()
    },
    deadLetters: () => memory.deliveries.deadLetters,
    crash: (agent, at) => void crashes.set(agent, at),
    async duplicate(eventId) {
      memory.deliveries.duplicate(eventId)
      await settle()
    },
    async reorder() {
      memory.deliveries.reorder()
      await settle()
    },
    fail: (times) => void (activity.failures = times),
    async stop() {
      await Promise.all([...running.values()].map(({ life }) => life.stop()))
      running.clear()
    },
  }
}
