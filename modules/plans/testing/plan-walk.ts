import { type EventEnvelope, isProblem, newId, toId, uuidOf } from '@soma/kernel'
import type { StateMachine } from '../contract/index.ts'
import { CRASH, type Faults } from './faulty-database.ts'
import { actor, type PlansBench, replyTo } from './plans-bench.ts'
import { deadLetterOf, decided, planner } from './task-steps.ts'

/** Of another user than the plan's: its changes begin again in the plan's scope. */
const operator = actor({
  id: 'usr-operator',
  userId: 'usr-operator',
  kind: 'user',
  capabilities: ['plan:read', 'plan:read-all', 'plan:run', 'plan:control'],
})

export const walkMachine = {
  a: { transitions: [{ on: 'go', to: 'b' }], timeoutMs: 86_400_000 },
  b: {
    transitions: [
      { on: 'back', to: 'a' },
      { on: 'user.input', to: 'end' },
    ],
    timeoutMs: 50,
    onTimeout: 'a',
  },
  end: { terminal: true },
} satisfies Record<string, Partial<StateMachine[string]>>

export interface Walk {
  readonly bench: PlansBench
  readonly planId: string
  readonly random: () => number
  readonly taskIds: string[]
  readonly gates: string[]
  readonly sent: EventEnvelope[]
  readonly faults: Faults
  /** Versions of tasks that a command answered, by the uuid of the task. */
  readonly silent: Map<string, Set<number>>
}

export function beginWalk(of: Pick<Walk, 'bench' | 'planId' | 'random' | 'faults'>): Walk {
  return { ...of, taskIds: [], gates: [], sent: [], silent: new Map() }
}

type Command = () => Promise<unknown>

/**
 * One random thing that commands, agents, gates, timers or redeliveries may do to a plan, with all its words chosen before: so that it can be repeated. It may break in the middle, or
 * be done and its answer lost; then its sender repeats it, or does not.
 */
export async function walkOn(walk: Walk): Promise<void> {
  const { random, faults } = walk
  const command = pick(random, CHOICES)?.(walk)
  if (command === undefined) return
  const breaksIn = random() < 0.3 ? 1 + Math.floor(random() * 25) : Number.POSITIVE_INFINITY
  let statements = 0
  faults.before = () => {
    statements += 1
    if (statements === breaksIn) throw CRASH
  }
  const isDone = await attempt(command)
  faults.before = () => undefined
  if ((!isDone && random() < 0.7) || random() < 0.2) await attempt(command)
}

/** Refusals are part of a walk; anything else is a bug. */
async function attempt(command: Command): Promise<boolean> {
  try {
    await command()
    return true
  } catch (error) {
    if (error === CRASH || (isProblem(error) && error.cause === CRASH)) return false
    if (!isProblem(error) || error.code === 'internal') throw error
    return true
  }
}

const pick = <T>(random: () => number, items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)]

const aTask = (walk: Walk) => ({ params: { taskId: pick(walk.random, walk.taskIds) ?? newId('task') } })
const thePlan = (walk: Walk) => ({ params: { planId: walk.planId } })
const someone = (walk: Walk) => (walk.random() < 0.2 ? operator : planner)

const delegateFromPlan = (walk: Walk): Command => {
  const specs = [0, 1].map(() => ({
    taskId: newId('task'),
    type: 'a.requested',
    responseType: 'a.done',
    ...limited(walk, 'timeoutMs'),
    ...limited(walk, 'queueTimeoutMs'),
    ...limited(walk, 'tryTimeoutMs'),
    ...limited(walk, 'heartbeatTimeoutMs'),
    retry: { baseMs: 1, maxTries: 3, on: ['x'] },
  }))
  const body = {
    specs,
    ...(walk.random() < 0.5 ? { group: true, groupId: newId('grp') } : {}),
    ...(walk.random() < 0.5 ? { state: walk.taskIds.length } : {}),
  }
  return async () => {
    await walk.bench.client.plans.delegate(planner, { ...thePlan(walk), body })
    walk.taskIds.push(...specs.map((spec) => spec.taskId))
  }
}

const limited = ({ random }: Walk, limit: string): Record<string, number> =>
  random() < 0.4 ? { [limit]: random() < 0.3 ? 1 : 86_400_000 } : {}

const delegateGate = (walk: Walk): Command => {
  const spec = { taskId: newId('task'), kind: 'gate' as const, gateId: newId('gate') }
  walk.gates.push(spec.gateId)
  return async () => {
    await walk.bench.client.plans.delegate(planner, { ...thePlan(walk), body: { specs: [spec] } })
    walk.taskIds.push(spec.taskId)
  }
}

const delegateFromTask = (walk: Walk): Command => {
  const task = aTask(walk)
  const spec = { taskId: newId('task'), type: 'b.requested', responseType: 'b.done' }
  return async () => {
    await walk.bench.client.tasks.delegate(planner, { ...task, body: { specs: [spec], group: true } })
    walk.taskIds.push(spec.taskId)
  }
}

const makeChild = (walk: Walk): Command => {
  const body = { planId: newId('plan'), title: 'child', parentPlanId: walk.planId }
  return () => walk.bench.client.plans.create(planner, { body })
}

const startTask = (walk: Walk): Command => {
  const task = { ...aTask(walk), body: { deliveryKey: `k${Math.floor(walk.random() * 4)}` } }
  return () => walk.bench.client.tasks.start(planner, task)
}

const endTask = (walk: Walk): Command => {
  const task = aTask(walk)
  const { tasks } = walk.bench.client
  const retryable = walk.random() < 0.5
  const output = walk.random()
  if (walk.random() < 0.5) return () => tasks.complete(planner, { ...task, body: { output } })
  return () => tasks.fail(planner, { ...task, body: { problem: { code: 'x', detail: 'x', retryable } } })
}

const touchTask = (walk: Walk): Command => {
  const task = aTask(walk)
  const progress = walk.random()
  const { tasks } = walk.bench.client
  const call = async () => {
    const answer =
      progress < 0.5
        ? await tasks.progress(planner, { ...task, body: { progress } })
        : await tasks.heartbeat(planner, { ...task, body: { checkpoint: progress } })
    const id = uuidOf('task', answer.taskId)
    walk.silent.set(id, (walk.silent.get(id) ?? new Set<number>()).add(answer.version))
  }
  return call
}

const saveContext = (walk: Walk): Command => {
  const task = aTask(walk)
  const { tasks } = walk.bench.client
  const state = walk.random()
  if (state < 0.3) return () => tasks.deleteContext(planner, task)
  return async () => {
    const { version } = await tasks.getContext(planner, task)
    await tasks.putContext(planner, { ...task, ifMatch: version, body: { state } })
  }
}

const parkTask = (walk: Walk): Command => {
  const task = aTask(walk)
  const gateId = newId('gate')
  walk.gates.push(gateId)
  const body =
    walk.random() < 0.5
      ? { reason: 'input' as const, timeoutMs: walk.random() < 0.5 ? 1 : 86_400_000 }
      : { reason: 'policy' as const, gateId }
  return () => walk.bench.client.tasks.wait(planner, { ...task, body })
}

const commandTask = (walk: Walk): Command => {
  const of = { ...aTask(walk), body: { reason: 'walk' } }
  const who = someone(walk)
  const { tasks } = walk.bench.client
  return walk.random() < 0.5 ? () => tasks.cancel(who, of) : () => tasks.retry(who, of)
}

const reply = (walk: Walk): Command => {
  const { taskId } = aTask(walk).params
  const request = walk.bench.events.findLast((event) => event.topic === 'action-requests' && event.taskid === taskId)
  const again = pick(walk.random, walk.sent)
  const outcome = walk.random() < 0.7 ? 'ok' : 'failed'
  const event = walk.random() < 0.3 || request === undefined ? again : replyTo(request, { outcome, data: {} })
  if (event === undefined) return async () => undefined
  walk.sent.push(event)
  return () => walk.bench.deliver(event)
}

const bury = (walk: Walk): Command => {
  const { taskId } = aTask(walk).params
  const request = walk.bench.events.findLast((event) => event.topic === 'action-requests' && event.taskid === taskId)
  return request === undefined ? async () => undefined : () => walk.bench.deliver(deadLetterOf(request))
}

const decide = (walk: Walk): Command => {
  const outcome = pick(walk.random, ['approved', 'approved', 'rejected', 'revise', 'expired']) as string
  const userid = walk.random() < 0.3 ? 'usr-decider' : 'usr-a'
  const event = decided(pick(walk.random, walk.gates) ?? newId('gate'), outcome, { userid }, walk.planId)
  return () => walk.bench.deliver(event)
}

const steer = (walk: Walk): Command => {
  const { plans } = walk.bench.client
  const plan = thePlan(walk)
  const who = someone(walk)
  const choice = pick(walk.random, ['pause', 'resume', 'resume', 'start', 'input'])
  if (choice === 'pause') {
    const mode = walk.random() < 0.5 ? ('now' as const) : ('drain' as const)
    return () => plans.pause(who, { ...plan, body: { reason: 'walk', mode } })
  }
  if (choice === 'start') return () => plans.start(who, { ...plan, body: {} })
  return () => plans.resume(who, { ...plan, body: choice === 'input' ? { input: 1 } : {} })
}

const plan = (walk: Walk): Command => {
  const { plans } = walk.bench.client
  const of = thePlan(walk)
  const eventId = newId('evt')
  const choice = walk.random()
  if (choice < 0.3)
    return () => plans.transition(planner, { ...of, body: { fromState: 'a', toState: 'b', on: 'go', eventId } })
  if (choice < 0.6)
    return () => plans.transition(planner, { ...of, body: { fromState: 'b', toState: 'a', on: 'back', eventId } })
  if (choice < 0.8)
    return async () => {
      const { version } = await plans.get(planner, of)
      await plans.putState(planner, { ...of, ifMatch: version, body: { state: choice } })
    }
  if (choice < 0.83)
    return () =>
      plans.finish(planner, { ...of, body: { outcome: choice < 0.82 ? 'completed' : 'failed', state: choice } })
  if (choice < 0.85) return () => plans.cancel(planner, { ...of, body: { reason: 'walk' } })
  return () => walk.bench.sweep()
}

const CHOICES: readonly ((walk: Walk) => Command)[] = [
  ...[delegateFromPlan, delegateGate, delegateFromTask, makeChild, startTask, startTask, endTask, touchTask],
  ...[saveContext, parkTask, commandTask, reply, reply, bury, decide, steer, plan, plan],
]

/**
 * The plans that a walk made: its own and the children, once all that is due has been done.
 * @throws Error when a timer or mail stays due
 */
export async function endWalk({ bench, planId }: Walk): Promise<string[]> {
  const [time] = await bench.query<{ at: Date }>('select now() as at')
  await bench.sweep()
  const due = await bench.query(
    "select key from plans.work where queue = '' and run_at <= $1 union all select kind from plans.inbox",
    [time?.at],
  )
  if (due.length > 0) throw new Error(`after a sweep is still due: ${JSON.stringify(due)}`)
  const rows = await bench.query<{ id: string }>('select id from plans.plans where root_id = $1', [
    uuidOf('plan', planId),
  ])
  return rows.map((row) => toId('plan', row.id))
}
