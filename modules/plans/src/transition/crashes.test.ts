import { type EventEnvelope, isProblem, newId } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  checkPlan,
  CRASH,
  decided,
  type Faults,
  openPlansBench,
  type PlansBench,
  planner,
  replyTo,
  walkMachine,
  withFaults,
  worker,
} from '../../testing/index.ts'

let faults: Faults
let bench: PlansBench
beforeAll(async () => {
  const plain = await openPlansBench()
  faults = withFaults(plain.database)
  bench = await openPlansBench({ database: faults.database, beforeCommit: () => faults.before() })
}, 60_000)
afterAll(() => bench.close())

/** Breaks the command before its 1st, 2nd, 3rd … statement until it comes through; the plan is whole after each. Answers how often it broke. */
async function breakEverywhere(planId: string, command: () => Promise<unknown>): Promise<number> {
  for (let breaksIn = 1; ; breaksIn++) {
    let statements = 0
    faults.before = () => {
      statements += 1
      if (statements === breaksIn) throw CRASH
    }
    await command().catch((error: unknown) => {
      if (error !== CRASH && !(isProblem(error) && error.cause === CRASH)) throw error
    })
    faults.before = () => undefined
    await checkPlan(bench, planId)
    if (statements < breaksIn) return breaksIn - 1
  }
}

const requestOf = (taskId: string) =>
  bench.events.findLast((event) => event.topic === 'action-requests' && event.taskid === taskId) as EventEnvelope

it('PLN-R56 PLN-R59 a goal is stored whole or not at all, and finished with its reply or not at all', {
  timeout: 60_000,
}, async () => {
  const planId = newId('plan')
  const goal = { type: 'docs.check.requested', data: 1, eventId: newId('evt'), responseType: 'docs.checked' }
  const replies = () => bench.events.filter((event) => event.planid === planId && event.type === 'docs.checked')
  const body = { planId, title: 'x', goal, stateMachine: walkMachine, currentState: 'a' }
  await breakEverywhere(planId, () => bench.client.plans.create(planner, { body }))
  expect(await bench.client.plans.get(planner, { params: { planId } })).toMatchObject({ goal, currentState: 'a' })
  const finish = { params: { planId }, body: { outcome: 'completed' as const, result: 7 } }
  const broken = await breakEverywhere(planId, () => {
    expect(replies()).toEqual([])
    return bench.client.plans.finish(planner, finish)
  })
  expect(broken).toBeGreaterThan(3)
  expect(replies()).toMatchObject([{ outcome: 'ok', data: 7, correlationid: goal.eventId, causationid: goal.eventId }])
  // A planner that takes its own reply for a trigger meets a plan that has ended in the same commit.
  const again = { fromState: 'a', toState: 'b', on: 'go' }
  await expect(bench.client.plans.transition(planner, { params: { planId }, body: again })).rejects.toMatchObject({
    code: 'illegal-transition',
  })
  const { version, journal } = await bench.client.plans.get(planner, { params: { planId } })
  await bench.deliver(replies()[0] as EventEnvelope)
  expect(await bench.client.plans.get(planner, { params: { planId } })).toMatchObject({ version, journal })
})

it('PLN-R3 rows, journal and facts of each change commit together: killed before any statement of it, a plan is whole and the repeat does the change once', {
  timeout: 120_000,
}, async () => {
  const { plans, tasks } = bench.client
  const [planId, gateId, groupId] = [newId('plan'), newId('gate'), newId('grp')]
  const childId = newId('plan')
  const [first, second, third] = [newId('task'), newId('task'), newId('task')]
  const [gate, sub] = [newId('task'), newId('task')]
  const plan = { params: { planId } }
  const task = (taskId: string) => ({ params: { taskId } })
  const ask = (taskId: string) => ({ taskId, type: 'a.requested', responseType: 'a.done', timeoutMs: 86_400_000 })
  const operator = { ...planner, userId: 'usr-operator', principal: { ...planner.principal, capabilities: ['*'] } }
  const commands: readonly [string, () => Promise<unknown>][] = [
    ['create', () => plans.create(planner, { body: { planId, title: 'x', start: false, stateMachine: walkMachine } })],
    ['start', () => plans.start(planner, { ...plan, body: {} })],
    [
      'delegate',
      () =>
        plans.delegate(planner, {
          ...plan,
          body: { specs: [ask(first), ask(second), ask(third)], group: true, groupId },
        }),
    ],
    [
      'delegate a gate',
      () => plans.delegate(planner, { ...plan, body: { specs: [{ taskId: gate, kind: 'gate', gateId }] } }),
    ],
    ['start a task', () => tasks.start(worker, { ...task(first), body: { deliveryKey: 'one' } })],
    ['start it again', () => tasks.start(worker, { ...task(first), body: { deliveryKey: 'two' } })],
    ['progress', () => tasks.progress(worker, { ...task(first), body: { progress: 0.5 } })],
    ['delegate from it', () => tasks.delegate(worker, { ...task(first), body: { specs: [ask(sub)] } })],
    ['answer', () => bench.deliver(replyTo(requestOf(sub), { data: 1, id: `evt-${sub}` }))],
    ['retry', () => tasks.retry(operator, { ...task(third), body: { reason: 'x' } })],
    ['complete', () => tasks.complete(worker, { ...task(first), body: { output: 1 } })],
    ['fail', () => tasks.fail(worker, { ...task(second), body: { problem: { code: 'x', detail: 'x' } } })],
    ['pause', () => plans.pause(operator, { ...plan, body: { reason: 'x' } })],
    ['resume', () => plans.resume(operator, { ...plan, body: {} })],
    ['make a child', () => plans.create(planner, { body: { planId: childId, title: 'child', parentPlanId: planId } })],
    ['decide', () => bench.deliver(decided(gateId, 'approved', { userid: 'usr-decider', id: `evt-${gate}` }, planId))],
    ['sweep', () => bench.sweep()],
    [
      'transition',
      () => plans.transition(planner, { ...plan, body: { fromState: 'a', toState: 'b', on: 'go', eventId: 'e' } }),
    ],
    ['cancel', () => plans.cancel(planner, { ...plan, body: { reason: 'x' } })],
  ]
  const broken: Record<string, number> = {}
  for (const [name, command] of commands) broken[name] = await breakEverywhere(planId, command)
  expect(Object.entries(broken).filter(([, times]) => times < 3)).toEqual([])
  await checkPlan(bench, childId)
  expect(await tasks.list(planner, { query: { planId, limit: 20 } })).toMatchObject({
    items: [
      { taskId: sub, status: 'completed', delivery: 1 },
      { taskId: gate, status: 'completed' },
      { taskId: third, status: 'cancelled', try: 2 },
      { taskId: second, status: 'failed' },
      { taskId: first, status: 'completed', delivery: 2 },
    ],
  })
  const plansNow = await Promise.all([planId, childId].map((id) => plans.get(planner, { params: { planId: id } })))
  expect(plansNow.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
})
