import { type EventEnvelope, isProblem, newId } from '@soma/kernel'
import { describe, expect, it } from 'vitest'
import type { PlanStatus, TaskStatus } from '../contract/index.ts'
import { actor, openPlansBench, type PlansBench, replyTo } from '../testing/index.ts'
import { verifyJournal } from './journal/chain.ts'
import { hasTaskEnded, isPlanChange, isTaskChange } from './statuses.ts'

const planner = actor({ id: 'agt-planner', userId: 'usr-a' })
const CRASH = new Error('killed before the commit')

/** A seeded generator (mulberry32): a failing walk can be repeated. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Walk {
  readonly bench: PlansBench
  readonly planId: string
  readonly random: () => number
  readonly taskIds: string[]
  readonly gates: string[]
  readonly sent: EventEnvelope[]
}

/** One random thing that commands, agents, gates, timers or a redelivery may do to a plan. Refusals are part of it. */
async function step({ bench, planId, random, taskIds, gates, sent }: Walk): Promise<void> {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)]
  const task = { params: { taskId: pick(taskIds) ?? newId('task') } }
  const plan = { params: { planId } }
  const { plans, tasks } = bench.client
  const request = bench.events.findLast(
    (event) => event.topic === 'action-requests' && event.taskid === task.params.taskId,
  )
  const choices: (() => Promise<unknown>)[] = [
    async () => {
      const specs = [0, 1].map(() => ({
        taskId: newId('task'),
        type: 'a.requested',
        responseType: 'a.done',
        ...(random() < 0.3 ? { timeoutMs: 1 } : {}),
      }))
      const { taskIds: made } = await plans.delegate(planner, { ...plan, body: { specs, group: random() < 0.5 } })
      taskIds.push(...made)
    },
    async () => {
      const gateId = newId('gate')
      gates.push(gateId)
      const { taskIds: made } = await plans.delegate(planner, { ...plan, body: { specs: [{ kind: 'gate', gateId }] } })
      taskIds.push(...made)
    },
    () => tasks.start(planner, { ...task, body: { deliveryKey: `k${Math.floor(random() * 4)}` } }),
    () => tasks.complete(planner, { ...task, body: { output: random() } }),
    () => tasks.fail(planner, { ...task, body: { problem: { code: 'x', detail: 'x' } } }),
    () => tasks.progress(planner, { ...task, body: { progress: random() } }),
    () => tasks.wait(planner, { ...task, body: { reason: 'input' } }),
    async () => {
      const { taskIds: made } = await tasks.delegate(planner, {
        ...task,
        body: { specs: [{ type: 'b.requested', responseType: 'b.done' }], group: true },
      })
      taskIds.push(...made)
    },
    () => tasks.cancel(planner, { ...task, body: { reason: 'walk' } }),
    async () => {
      if (request === undefined) return
      const reply = replyTo(request, { outcome: random() < 0.7 ? 'ok' : 'failed', data: {} })
      sent.push(reply)
      await bench.deliver(reply)
    },
    async () => {
      const again = pick(sent)
      if (again !== undefined) await bench.deliver(again)
    },
    async () => {
      const gateId = pick(gates) ?? newId('gate')
      const outcome = pick(['approved', 'rejected', 'revise', 'expired'] as const)
      await bench.deliver({
        ...replyTo({ tenantid: 'tenant-a', userid: 'usr-a' } as EventEnvelope, {}),
        type: 'gate.decided',
        topic: 'system-events',
        source: '/modules/governance',
        data: { gateId, outcome, deciders: [], edited: false, payloadHash: '', subject: { planId } },
      })
    },
    () => bench.sweep(),
    () => plans.pause(planner, { ...plan, body: { reason: 'walk' } }),
    () => plans.resume(planner, { ...plan, body: {} }),
    () => plans.resume(planner, { ...plan, body: { input: 1 } }),
    () => plans.transition(planner, { ...plan, body: { fromState: 'a', toState: 'b', on: 'go' } }),
    () => plans.transition(planner, { ...plan, body: { fromState: 'b', toState: 'a', on: 'back' } }),
    async () => {
      if (random() < 0.15)
        await plans.finish(planner, { ...plan, body: { outcome: random() < 0.5 ? 'completed' : 'failed' } })
    },
    async () => {
      if (random() < 0.1) await plans.cancel(planner, { ...plan, body: { reason: 'walk' } })
    },
  ]
  try {
    await pick(choices)?.()
  } catch (error) {
    if (!isProblem(error) && error !== CRASH) throw error
    if (isProblem(error) && error.code === 'internal' && error.cause !== CRASH) throw error
  }
}

const machine = {
  a: { transitions: [{ on: 'go', to: 'b' }] },
  b: {
    transitions: [
      { on: 'back', to: 'a' },
      { on: 'user.input', to: 'end' },
    ],
  },
  end: { terminal: true },
}

describe('the two status tables', () => {
  it('hold for planner-driven plans under random commands, messages and crashes; rows, counts, facts and journal agree', {
    timeout: 120_000,
  }, async () => {
    let crashes: (() => boolean) | undefined
    const bench = await openPlansBench({
      beforeCommit: () => {
        if (crashes?.() === true) throw CRASH
      },
    })
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed)
      crashes = undefined
      const { planId } = await bench.client.plans.create(planner, {
        body: { title: `walk ${seed}`, stateMachine: machine },
      })
      const first = await bench.client.plans.delegate(planner, {
        params: { planId },
        body: { specs: [1, 2, 3].map((n) => ({ type: 'a.requested', responseType: 'a.done', data: n })), group: true },
      })
      const walk: Walk = { bench, planId, random, taskIds: [...first.taskIds], gates: [], sent: [] }
      crashes = () => random() < 0.1
      for (let count = 0; count < 40; count++) await step(walk)
      crashes = undefined
      await bench.sweep()
      await expectWalk(bench, planId, seed)
    }
    await bench.close()
  })
})

async function expectWalk(bench: PlansBench, planId: string, seed: number): Promise<void> {
  const facts = bench.events.filter((event) => event.planid === planId)
  checkPlanFacts(facts, seed)
  const plan = await bench.client.plans.get(planner, { params: { planId } })
  const tasks = (await bench.client.tasks.list(planner, { query: { planId, limit: 200 } })).items
  for (const task of tasks)
    checkTaskFacts(
      facts.filter((event) => event.taskid === task.taskId),
      { last: task.status, seed },
    )
  const counted = Object.fromEntries(
    Object.keys(plan.counts).map((status) => [
      status,
      status === 'total' ? tasks.length : tasks.filter((task) => task.status === status).length,
    ]),
  )
  expect(plan.counts, `seed ${seed}`).toEqual(counted)
  const entries = []
  for (let cursor: string | undefined; ; ) {
    const page = await bench.client.plans.journal(planner, {
      params: { planId },
      query: { limit: 200, ...(cursor === undefined ? {} : { cursor }) },
    })
    entries.push(...page.items)
    if (page.nextCursor === null) break
    cursor = page.nextCursor
  }
  expect(verifyJournal(entries), `seed ${seed}`).toEqual({ intact: true, head: plan.journal.hash })
}

function checkPlanFacts(facts: readonly EventEnvelope[], seed: number): void {
  let status: PlanStatus = 'pending'
  let version = 0
  for (const fact of facts.filter((event) => event.topic === 'plan-events' && event.type !== 'plan.created')) {
    const data = fact.data as { status: PlanStatus; version: number }
    if (data.status !== status)
      expect(isPlanChange(status, data.status), `seed ${seed}: plan ${status} → ${data.status} by ${fact.type}`).toBe(
        true,
      )
    expect(data.version).toBeGreaterThan(version)
    ;({ status, version } = data)
  }
}

function checkTaskFacts(facts: readonly EventEnvelope[], of: { last: TaskStatus; seed: number }): void {
  let status: TaskStatus = 'pending'
  let version = 0
  for (const fact of facts.filter((event) => event.topic === 'task-events')) {
    const data = fact.data as { status: TaskStatus; version: number }
    expect(hasTaskEnded(status), `seed ${of.seed}: ${fact.type} after the end`).toBe(false)
    if (data.status !== status)
      expect(isTaskChange(status, data.status), `seed ${of.seed}: task ${status} → ${data.status}`).toBe(true)
    expect(data.version).toBeGreaterThan(version)
    ;({ status, version } = data)
  }
  expect(status, `seed ${of.seed}`).toBe(of.last)
}
