import { gateOpened } from '@soma/governance/contract'
import { type Context, type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aFact, anEvent, aPlanner, aReader, aTaskFact, openTrackerBench } from '../testing/index.ts'

const capabilities = ['plan:read', 'plan:run', 'task:update', 'agent:read']
const agent = (id: string, more: Partial<Context> = {}): Context =>
  aPlanner({ principal: { id, kind: 'agent', roles: [], capabilities }, ...more })
const ana = agent('agt-ana', { userId: 'usr-a' })
const eve = agent('agt-eve', { userId: 'usr-b' })
/** The same user's name in a space is somebody else. */
const east = agent('agt-ana', { userId: 'usr-a', spaceId: 'east' })
const readsAll = [...capabilities, 'plan:read-all']
const bench = await openTrackerBench()
afterAll(() => bench.close())

const gateId = newId('gate')
const traceId = '9'.repeat(32)
let planId = ''
let taskId = ''
let groupId = ''
let request: EventEnvelope

const plan = async (by: Context, ...specs: Parameters<typeof bench.plans.plans.delegate>[1]['body']['specs']) => {
  const made = await bench.plans.plans.create(by, { body: { title: 'Secret plan', correlationIds: ['shared'] } })
  const body = { specs, group: true }
  const { taskIds, ...more } = await bench.plans.plans.delegate(by, { params: { planId: made.planId }, body })
  return { planId: made.planId, taskId: taskIds[0] as string, groupId: more.groupId as string }
}
const timelineOf = async (by: Context, id: string) =>
  (await bench.tracker.planTimeline.list(by, { params: { planId: id }, query: { limit: 200 } })).items

beforeAll(async () => {
  ;({ planId, taskId, groupId } = await plan(
    { ...ana, traceparent: `00-${traceId}-${'2'.repeat(16)}-01` },
    { kind: 'gate', gateId },
    { type: 'secret.requested' },
  ))
  const deciders = [{ principal: 'usr-boss' }]
  const opened = gateOpened.data.parse({
    ...{
      gateId,
      kind: 'review',
      title: 'Secret?',
      deciders,
      payloadHash: `sha256:${'0'.repeat(64)}`,
      dueAt: '2030-01-01T00:00:00.000Z',
    },
    subject: { planId, taskId },
    requirements: [{ deciders, quorum: 1, humans: 0, excludeRequester: true }],
  })
  await bench.deliver(aFact('gate.opened', opened))
  await bench.settle()
  request = bench.events.find((event) => event.topic === 'action-requests') as EventEnvelope
  const at = new Date().toISOString()
  const ended = { planId, taskId: newId('task') }
  const by = { at, agent: { name: 'secret-agent' }, type: 'secret.requested' }
  await bench.deliver(aTaskFact('started', ended, { ...by, version: 1, status: 'running' }))
  await bench.deliver(aTaskFact('completed', ended, { ...by, version: 2, status: 'completed', runMs: 5 }))
})

const strangers = [
  ['another user', eve],
  ['the same user in a space', east],
  ['a reader of everything in a space', aReader(readsAll, { spaceId: 'east' })],
  ['a reader of everything in another tenant', aReader(readsAll, { tenantId: 'tenant-b' })],
] as const

describe('who sees what', () => {
  it.each(strangers)('TRK-R30 to %s every id is of nothing, and no list, count or metric tells', async (_who, by) => {
    const { tracker } = bench
    const params = { params: { planId } }
    const byId = [
      tracker.plans.get(by, params),
      tracker.planTasks.list(by, params),
      tracker.planTimeline.list(by, params),
      tracker.planLineage.get(by, params),
      tracker.planHierarchy.get(by, params),
      tracker.planBlockers.list(by, params),
      tracker.planStream.read(by, params),
      tracker.tasks.get(by, { params: { taskId } }),
      tracker.delegationGroups.get(by, { params: { groupId } }),
      tracker.agents.metrics(by, { params: { name: 'secret-agent' } }),
    ]
    const outcomes = await Promise.allSettled(byId)
    const codes = outcomes.map((one) =>
      one.status === 'rejected' ? (one.reason as { code: string }).code : 'answered',
    )
    expect(codes).toEqual(byId.map(() => 'not-found'))
    expect((await tracker.plans.list(by, { query: { loneTasks: true } })).items).toEqual([])
    expect((await tracker.tasks.list(by, {})).items).toEqual([])
    expect((await tracker.blockers.list(by, {})).items).toEqual([])
    expect(await tracker.traces.get(by, { params: { traceId } })).toMatchObject({ entries: [], planIds: [] })
    for (const correlationId of ['shared', taskId])
      expect(await tracker.correlations.get(by, { params: { correlationId } })).toMatchObject({
        entries: [],
        planIds: [],
      })
  })

  it("TRK-R30 a gate of somebody else's plan tells its deciders, end and outcome to nobody who waits for it by its id", async () => {
    const blockerOf = async (by: Context, id: string) =>
      (await bench.tracker.planBlockers.list(by, { params: { planId: id } })).items[0]
    expect(await blockerOf(ana, planId)).toMatchObject({ unblockBy: ['usr-boss', 'governance.gates.decide'] })
    for (const by of [eve, east]) {
      const own = await plan(by, { kind: 'gate', gateId })
      await bench.settle()
      const seen = await blockerOf(by, own.planId)
      expect(seen).toMatchObject({ taskId: own.taskId, unblockBy: ['gate:decide', 'governance.gates.decide'] })
      expect(seen).not.toHaveProperty('dueAt')
    }
  })

  it('TRK-R30 an event of another user or space that names a plan, its task, its correlation or its event shows neither side the other', async () => {
    for (const [by, userid, more] of [
      [eve, 'usr-b', {}],
      [east, 'usr-a', { spaceid: 'east' }],
    ] as const) {
      const own = await plan(by, { type: 'own.requested' })
      await bench.settle()
      const before = (await timelineOf(ana, planId)).length
      const planted = [
        { planid: planId },
        { taskid: taskId },
        { correlationid: 'shared' },
        { correlationid: taskId },
        { planid: own.planId, causationid: request.id, data: { planId, tenantId: 'tenant-b', userId: 'usr-a' } },
      ].map((attributes) => anEvent({ userid, ...more, ...attributes }))
      for (const event of planted) await bench.deliver(event)
      const [, , , , caused] = planted as [unknown, unknown, unknown, unknown, EventEnvelope]
      expect(await timelineOf(ana, planId), userid).toHaveLength(before)
      expect((await timelineOf(by, own.planId)).map((entry) => entry.id)).toContain(caused.id)
      const { entries } = await bench.tracker.planLineage.get(by, { params: { planId: own.planId } })
      expect(entries.map((entry) => entry.id)).not.toContain(request.id)
      expect(JSON.stringify(entries)).not.toContain('secret')
    }
  })

  it('a flood of foreign events that name a plan hides none of its own', async () => {
    const own = await timelineOf(ana, planId)
    for (let index = 0; index < 250; index++)
      await bench.deliver(anEvent({ userid: 'usr-b', planid: planId, time: '2020-01-01T00:00:00.000Z' }))
    expect(await timelineOf(ana, planId)).toEqual(own)
  })

  it('TRK-R30 who reads all plans of the tenant, outside any space, sees the plans of users and spaces with their counts', async () => {
    const all = aReader(readsAll)
    const { items } = await bench.tracker.plans.list(all, {})
    expect(items.map((one) => one.planId)).toContain(planId)
    expect(await bench.tracker.agents.metrics(all, { params: { name: 'secret-agent' } })).toMatchObject({
      metrics: { total: 1 },
    })
    const inEast = (await bench.tracker.plans.list(aReader(readsAll, { spaceId: 'east' }), {})).items
    expect(inEast.length).toBeGreaterThan(0)
    expect(inEast.map((one) => one.planId)).not.toContain(planId)
  })
})
