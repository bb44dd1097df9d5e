import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StateMachine } from '../../contract/index.ts'
import { actor, openPlansBench, type PlansBench, replyTo } from '../../testing/index.ts'
import { verifyJournal } from '../journal/chain.ts'

const planner = actor({ id: 'agt-planner', userId: 'usr-a' })
const worker = actor({ id: 'agt-worker', userId: 'usr-a' })
let bench: PlansBench
beforeAll(async () => {
  bench = await openPlansBench()
}, 60_000)
afterAll(() => bench.close())

const machine = {
  survey: { transitions: [{ on: 'survey.done', to: 'write' }] },
  write: { transitions: [{ on: 'write.done', to: 'end' }], defaultNext: 'broken', timeoutMs: 60_000 },
  end: { terminal: true },
  broken: { terminal: 'failed' },
} satisfies Record<string, Partial<StateMachine[string]>>

const goal = () => ({
  type: 'docs.check.requested',
  data: { folder: '.' },
  eventId: newId('evt'),
  correlationId: newId('evt'),
  responseType: 'docs.checked',
})
const makePlan = (body: Record<string, unknown> = {}) =>
  bench.client.plans.create(planner, { body: { title: 'Docs', goal: goal(), stateMachine: machine, ...body } })
const eventsOf = (planId: string) => bench.events.filter((event) => event.planid === planId)
const typesOf = (planId: string) => eventsOf(planId).map((event) => event.type)
const requestOf = (taskId: string) =>
  bench.events.findLast((event) => event.topic === 'action-requests' && event.taskid === taskId) as EventEnvelope
const journalOf = async (planId: string) =>
  (await bench.client.plans.journal(planner, { params: { planId }, query: { limit: 200 } })).items

describe('a planner-driven plan', () => {
  it('PLN-R56 stores goal, reply contract, state machine and first state, once per goal event', async () => {
    const body = { title: 'Docs', goal: goal(), stateMachine: machine }
    const first = await bench.client.plans.create(planner, { body })
    const again = await bench.client.plans.create(planner, { body })
    expect(again).toEqual(first)
    expect(first).toMatchObject({
      status: 'running',
      currentState: 'survey',
      origin: 'state-machine',
      ownerId: 'agt-planner',
      userId: 'usr-a',
      journal: { seq: 2 },
      goal: { ...body.goal, responseTopic: 'action-results' },
    })
    expect(Object.keys(first.stateMachine ?? {})).toEqual(Object.keys(machine))
    const stranger = actor({ id: 'agt-other', userId: 'usr-a' })
    expect((await bench.client.plans.create(stranger, { body })).planId).not.toBe(first.planId)
    expect(typesOf(first.planId)).toEqual(['plan.created', 'plan.started'])
    await expect(bench.client.plans.create(planner, { body: { ...body, title: 'Other' } })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  it('PLN-R7 the same plan id with the same body is the same plan, with another body a conflict', async () => {
    const planId = newId('plan')
    const body = { planId, title: 'Mine' }
    expect((await bench.client.plans.create(planner, { body })).planId).toBe(planId)
    expect((await bench.client.plans.create(planner, { body })).version).toBe(1)
    await expect(bench.client.plans.create(planner, { body: { planId, title: 'Yours' } })).rejects.toMatchObject({
      code: 'conflict',
      status: 409,
    })
    const spec = { taskId: newId('task'), type: 'work.requested', data: { n: 1 } }
    const first = await bench.client.plans.delegate(planner, { params: { planId }, body: { specs: [spec] } })
    const second = await bench.client.plans.delegate(planner, { params: { planId }, body: { specs: [spec] } })
    expect(second.taskIds).toEqual(first.taskIds)
    expect(bench.events.filter((event) => event.type === 'work.requested' && event.planid === planId)).toHaveLength(1)
    await expect(
      bench.client.plans.delegate(planner, { params: { planId }, body: { specs: [{ ...spec, data: { n: 2 } }] } }),
    ).rejects.toMatchObject({ code: 'conflict' })
  })

  it('refuses a machine with unknown targets, unreachable states or no end, all at once', async () => {
    const broken = { a: { transitions: [{ on: 'x', to: 'nowhere' }] }, lost: { defaultNext: 'a' } }
    await expect(makePlan({ stateMachine: broken })).rejects.toMatchObject({
      code: 'plan-invalid',
      extensions: {
        errors: expect.arrayContaining([
          expect.objectContaining({ pointer: '/body/stateMachine/a/transitions/0/to', code: 'unknown-state' }),
          expect.objectContaining({ pointer: '/body/stateMachine/lost', code: 'unreachable-state' }),
          expect.objectContaining({ code: 'no-terminal-state' }),
        ]),
      },
    })
  })

  it('takes an edge from its state alone: of two replicas one wins, the loser hears illegal-transition', async () => {
    const { planId } = await makePlan()
    const move = (eventId: string) =>
      bench.client.plans.transition(planner, {
        params: { planId },
        body: { fromState: 'survey', toState: 'write', on: 'survey.done', eventId, data: { files: 3 } },
      })
    const outcomes = await Promise.allSettled([move('evt-1'), move('evt-2')])
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find((outcome) => outcome.status === 'rejected')).toMatchObject({
      reason: { code: 'illegal-transition', status: 409 },
    })
    const plan = await bench.client.plans.get(planner, { params: { planId } })
    expect(plan).toMatchObject({ currentState: 'write', results: { 'survey.done': { files: 3 } }, actionCount: 1 })
    expect(typesOf(planId).filter((type) => type === 'plan.state-changed')).toHaveLength(1)
    await expect(
      bench.client.plans.transition(planner, {
        params: { planId },
        body: { fromState: 'write', toState: 'survey', on: 'nothing' },
      }),
    ).rejects.toMatchObject({ code: 'illegal-transition' })
  })

  it('a repeated transition of the same event answers the plan unchanged', async () => {
    const { planId } = await makePlan()
    const body = { fromState: 'survey', toState: 'write', on: 'survey.done', eventId: 'evt-same' }
    const first = await bench.client.plans.transition(planner, { params: { planId }, body })
    expect((await bench.client.plans.transition(planner, { params: { planId }, body })).version).toBe(first.version)
  })

  it('a terminal state ends the plan and answers the requester once', async () => {
    const { planId, goal: asked } = await makePlan()
    await bench.client.plans.transition(planner, {
      params: { planId },
      body: { fromState: 'survey', toState: 'write', on: 'survey.done' },
    })
    const ended = await bench.client.plans.transition(planner, {
      params: { planId },
      body: { fromState: 'write', toState: 'end', on: 'write.done', result: { report: 'ok' } },
    })
    expect(ended).toMatchObject({
      status: 'completed',
      outcome: 'succeeded',
      outputs: { report: 'ok' },
      currentState: 'end',
    })
    const replies = eventsOf(planId).filter((event) => event.type === 'docs.checked')
    expect(replies).toHaveLength(1)
    expect(replies[0]).toMatchObject({
      topic: 'action-results',
      outcome: 'ok',
      correlationid: asked?.correlationId,
      data: { report: 'ok' },
    })
    const again = await bench.client.plans.finish(planner, { params: { planId }, body: { outcome: 'completed' } })
    expect(again.version).toBe(ended.version)
    expect(eventsOf(planId).filter((event) => event.type === 'docs.checked')).toHaveLength(1)
  })

  it('PLN-R59 finish writes status, reply in the asked type and facts together, for success and failure', async () => {
    const good = await makePlan()
    await bench.client.plans.finish(planner, {
      params: { planId: good.planId },
      body: { outcome: 'completed', result: { n: 1 } },
    })
    expect(eventsOf(good.planId).slice(-2)).toMatchObject([
      { type: 'plan.completed', data: { status: 'completed' } },
      { type: 'docs.checked', outcome: 'ok', data: { n: 1 } },
    ])
    const bad = await makePlan()
    await bench.client.plans.finish(planner, {
      params: { planId: bad.planId },
      body: { outcome: 'failed', problem: { code: 'no-folder', detail: 'no such folder' } },
    })
    expect(eventsOf(bad.planId).slice(-2)).toMatchObject([
      { type: 'plan.failed', data: { problem: { code: 'no-folder' } } },
      { type: 'docs.checked', outcome: 'failed', data: { problem: { code: 'no-folder', detail: 'no such folder' } } },
    ])
    const own = eventsOf(bad.planId).at(-1) as EventEnvelope
    await bench.deliver(own)
    expect(typesOf(bad.planId).at(-1)).toBe('docs.checked')
  })

  it('keeps the planner state by compare-and-set', async () => {
    const plan = await makePlan()
    const saved = await bench.client.plans.putState(planner, {
      params: { planId: plan.planId },
      ifMatch: plan.version,
      body: { state: { step: 2 } },
    })
    expect(saved).toMatchObject({ state: { step: 2 }, version: plan.version + 1 })
    await expect(
      bench.client.plans.putState(planner, {
        params: { planId: plan.planId },
        ifMatch: plan.version,
        body: { state: {} },
      }),
    ).rejects.toMatchObject({ code: 'version-conflict', extensions: { version: saved.version } })
    await expect(
      bench.client.plans.putState(planner, {
        params: { planId: plan.planId },
        ifMatch: saved.version,
        body: { state: 'x'.repeat(1_100_000) },
      }),
    ).rejects.toMatchObject({ code: 'payload-too-large' })
    await expect(
      bench.client.plans.putState(planner, {
        params: { planId: plan.planId },
        ifMatch: saved.version,
        body: { state: 'a\u0000b' },
      }),
    ).rejects.toMatchObject({ code: 'invalid-request' })
  })

  it('PLN-R58 the input of a resume becomes results.userInput and takes the user.input edge', async () => {
    const asking = { ask: { transitions: [{ on: 'user.input', to: 'end' }] }, end: { terminal: true } }
    const { planId } = await makePlan({ stateMachine: asking, goal: undefined })
    const paused = await bench.client.plans.pause(planner, { params: { planId }, body: { reason: 'wait for Ana' } })
    expect(paused).toMatchObject({ status: 'paused', paused: { reason: 'wait for Ana', byId: 'agt-planner' } })
    await expect(
      bench.client.plans.delegate(planner, { params: { planId }, body: { specs: [{ type: 'a.requested' }] } }),
    ).rejects.toMatchObject({ code: 'conflict' })
    const resumed = await bench.client.plans.resume(planner, { params: { planId }, body: { input: { answer: 42 } } })
    expect(resumed).toMatchObject({ status: 'completed', results: { userInput: { answer: 42 } } })
    expect(typesOf(planId)).toEqual([
      'plan.created',
      'plan.started',
      'plan.paused',
      'plan.resumed',
      'plan.state-changed',
      'plan.completed',
    ])
  })

  it('a paused plan starts nothing new, keeps results of running tasks, and its due timers act on resume', async () => {
    const { planId } = await makePlan({ goal: undefined })
    const { taskIds } = await bench.client.plans.delegate(planner, {
      params: { planId },
      body: {
        specs: [
          { type: 'a.requested', responseType: 'a.done', timeoutMs: 1 },
          { type: 'b.requested', responseType: 'b.done' },
        ],
      },
    })
    const [late, running] = taskIds as [string, string]
    await bench.client.plans.pause(planner, { params: { planId }, body: { reason: 'stop' } })
    await bench.deliver(replyTo(requestOf(running), { data: { ok: true } }))
    await bench.sweep()
    expect((await bench.client.tasks.get(planner, { params: { taskId: running } })).status).toBe('completed')
    expect((await bench.client.tasks.get(planner, { params: { taskId: late } })).status).toBe('pending')
    await bench.client.plans.resume(planner, { params: { planId }, body: {} })
    await bench.sweep()
    expect(await bench.client.tasks.get(planner, { params: { taskId: late } })).toMatchObject({
      status: 'failed',
      problem: { code: 'timeout' },
    })
  })

  it('cancel ends open tasks and child plans first, and every requester hears once', async () => {
    const parent = await makePlan()
    const child = await makePlan({ parentPlanId: parent.planId, goal: goal() })
    expect(child).toMatchObject({ parentPlanId: parent.planId, rootPlanId: parent.planId, depth: 1 })
    const { taskIds } = await bench.client.plans.delegate(planner, {
      params: { planId: child.planId },
      body: { specs: [{ type: 'a.requested', responseType: 'a.done' }] },
    })
    await bench.client.plans.cancel(planner, { params: { planId: parent.planId }, body: { reason: 'enough' } })
    const plans = await Promise.all(
      [parent, child].map((plan) => bench.client.plans.get(planner, { params: { planId: plan.planId } })),
    )
    expect(plans.map((plan) => plan.status)).toEqual(['cancelled', 'cancelled'])
    expect(plans[0]?.stopReason).toBe('enough')
    const order = bench.events.filter((event) => event.type === 'plan.cancelled').map((event) => event.planid)
    expect(order.indexOf(child.planId)).toBeLessThan(order.indexOf(parent.planId))
    expect(eventsOf(child.planId).filter((event) => event.type === 'a.done')).toMatchObject([
      { outcome: 'failed', taskid: taskIds[0], data: { problem: { code: 'cancelled' } } },
    ])
    for (const plan of [parent, child])
      expect(eventsOf(plan.planId).filter((event) => event.type === 'docs.checked')).toMatchObject([
        { outcome: 'failed' },
      ])
  })

  it('state timeouts and deadlines act without the planner: the onTimeout edge, else failed with timeout', async () => {
    const timed = {
      wait: { transitions: [], timeoutMs: 1, onTimeout: 'late' },
      late: { transitions: [{ on: 'x', to: 'end' }], timeoutMs: 1 },
      end: { terminal: true },
    }
    const { planId } = await makePlan({ stateMachine: timed })
    await bench.sweep()
    const plan = await bench.client.plans.get(planner, { params: { planId } })
    expect(plan).toMatchObject({ status: 'failed', currentState: 'late', problem: { code: 'timeout' } })
    expect(eventsOf(planId).find((event) => event.type === 'plan.state-changed')?.data).toMatchObject({
      fromState: 'wait',
      toState: 'late',
      on: 'timeout',
    })
    expect(eventsOf(planId).filter((event) => event.type === 'docs.checked')).toMatchObject([
      { outcome: 'failed', data: { problem: { code: 'timeout' } } },
    ])
    const other = await makePlan({ deadlineAt: new Date(Date.now() - 1000).toISOString() })
    await bench.sweep()
    expect((await bench.client.plans.get(planner, { params: { planId: other.planId } })).problem?.detail).toContain(
      'deadline',
    )
  })

  it('PLN-R58 by-correlation finds a plan by each of its ids, through an index', async () => {
    const ids = { correlationId: newId('evt'), eventId: newId('evt') }
    const further = newId('evt')
    const { planId } = await makePlan({ goal: { ...goal(), ...ids }, correlationIds: [further] })
    for (const correlationId of [ids.correlationId, ids.eventId, further]) {
      const found = await bench.client.plans.byCorrelation(planner, { params: { correlationId } })
      expect(found).toMatchObject({ plan: { planId }, ambiguous: false })
    }
    const explained = await bench.database.transaction({ role: 'soma_app', tenantId: 'tenant-a' }, async (session) => {
      await session.query("select set_config('enable_seqscan', 'off', true)")
      return session.query<Record<string, string>>(
        'explain select plan_id from plans.correlations where correlation_id = $1',
        [further],
      )
    })
    const text = explained.map((row) => Object.values(row).join()).join('\n')
    expect(text).toMatch(/Index Cond: .*tenant_id.*correlation_id/)
  })

  it('PLN-R58 of two plans with one id the newest that has not ended is found, as ambiguous', async () => {
    const shared = newId('evt')
    const first = await makePlan({ correlationIds: [shared] })
    expect(await bench.client.plans.byCorrelation(planner, { params: { correlationId: shared } })).toMatchObject({
      plan: { planId: first.planId },
      ambiguous: false,
    })
    const second = await makePlan({ correlationIds: [shared] })
    expect(await bench.client.plans.byCorrelation(planner, { params: { correlationId: shared } })).toMatchObject({
      plan: { planId: second.planId },
      ambiguous: true,
    })
    await bench.client.plans.finish(planner, { params: { planId: second.planId }, body: { outcome: 'completed' } })
    expect((await bench.client.plans.byCorrelation(planner, { params: { correlationId: shared } })).plan.planId).toBe(
      first.planId,
    )
    await bench.client.plans.pause(planner, { params: { planId: first.planId }, body: { reason: 'why not' } })
    const resumed = await bench.client.plans.resume(planner, { params: { planId: first.planId }, body: { input: 7 } })
    expect(resumed.results).toEqual({ userInput: 7 })
    await expect(
      bench.client.plans.byCorrelation(planner, { params: { correlationId: 'nobody' } }),
    ).rejects.toMatchObject({ code: 'not-found' })
  })

  it('the journal is a hash chain that names the first changed line', async () => {
    const { planId } = await makePlan()
    await bench.client.plans.delegate(planner, {
      params: { planId },
      body: { specs: [{ type: 'a.requested', data: { text: 'ä', number: 1e21, none: null } }] },
    })
    const plan = await bench.client.plans.finish(planner, {
      params: { planId },
      body: { outcome: 'completed', result: { deep: [{ x: 0.1 }] } },
    })
    const entries = await journalOf(planId)
    expect(verifyJournal(entries)).toEqual({ intact: true, head: plan.journal.hash })
    expect(entries).toHaveLength(plan.journal.seq)
    const changed = entries.map((entry) =>
      entry.seq === 3 ? { ...entry, data: { ...(entry.data as object), key: 'forged' } } : entry,
    )
    expect(verifyJournal(changed)).toEqual({ intact: false, seq: 3, reason: 'hash' })
    expect(verifyJournal(entries.filter((entry) => entry.seq !== 2))).toEqual({ intact: false, seq: 2, reason: 'gap' })
  })

  it('lists the newest first by pages, without lone tasks', async () => {
    const reader = actor({ id: 'agt-lister', userId: 'usr-list' })
    for (const title of ['one', 'two', 'three']) await bench.client.plans.create(reader, { body: { title } })
    await bench.client.tasks.create(reader, { body: { type: 'a.requested' } })
    const page = await bench.client.plans.list(reader, { query: { limit: 2 } })
    expect(page.items.map((plan) => plan.title)).toEqual(['three', 'two'])
    const next = await bench.client.plans.list(reader, { query: { limit: 2, cursor: page.nextCursor as string } })
    expect(next).toMatchObject({ items: [{ title: 'one' }], nextCursor: null })
    expect(await bench.client.plans.counts(reader)).toMatchObject({ total: 3, byStatus: { pending: 3 } })
    expect((await bench.client.plans.list(reader, { query: { origin: 'task' } })).items).toHaveLength(1)
  })

  it('a worker sees the plan of its user, another user does not', async () => {
    const { planId } = await makePlan()
    expect((await bench.client.plans.get(worker, { params: { planId } })).planId).toBe(planId)
    await expect(
      bench.client.plans.get(actor({ id: 'agt-x', userId: 'usr-b' }), { params: { planId } }),
    ).rejects.toMatchObject({ code: 'not-found' })
  })
})
