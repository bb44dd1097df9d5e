import { gateDecided, gateEscalated, gateOpened } from '@soma/governance/contract'
import { newId } from '@soma/kernel'
import { afterAll, describe, expect, it } from 'vitest'
import { aFact, aPlanner, openTrackerBench } from '../../testing/index.ts'

const actor = (userId: string, tenantId = 'tenant-a') => aPlanner({ userId, tenantId })
const planner = aPlanner()
const bench = await openTrackerBench()
afterAll(() => bench.close())

const aPlan = async (): Promise<string> =>
  (await bench.plans.plans.create(planner, { body: { title: 'Blocked' } })).planId
const delegate = async (planId: string, ...specs: Parameters<typeof bench.plans.plans.delegate>[1]['body']['specs']) =>
  (await bench.plans.plans.delegate(planner, { params: { planId }, body: { specs } })).taskIds as [string, ...string[]]
const start = (taskId: string) =>
  bench.plans.tasks.start(planner, { params: { taskId }, body: { deliveryKey: newId('dlv') } })
const blockersOf = async (planId: string) => {
  await bench.settle()
  return (await bench.tracker.planBlockers.list(planner, { params: { planId } })).items
}
const blockerOf = async (planId: string, taskId: string) =>
  (await blockersOf(planId)).find((blocker) => blocker.taskId === taskId)

const instanceId = (number: number): string => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
const tell = (verb: string, version: string, more: object = {}) =>
  bench.deliver(
    aFact(`agent.${verb}`, {
      agentId: 'reg_1',
      name: 'researcher',
      agentVersion: version,
      instanceId: instanceId(Number(version[0])),
      ...more,
    }),
  )
const takes = (...types: string[]) => ({
  capabilities: ['translation'],
  consumes: types.map((type) => ({ topic: 'action-requests', type })),
})

describe('blockers', () => {
  it('TRK-R12 no live agent consumes what a task asks for: the type is named, and when one last did; versions and capabilities count', async () => {
    const planId = await aPlan()
    const [typed, capable] = await delegate(planId, { type: 'research.requested' }, { capability: 'translation' })
    const at = (taskId: string | undefined) => blockerOf(planId, taskId as string)
    expect(await at(typed)).toMatchObject({
      waitingFor: 'agent',
      detail: 'no live agent consumes research.requested; none ever did',
      missingConsumer: { topic: 'action-requests', type: 'research.requested' },
    })
    expect(await at(capable)).toMatchObject({
      missingConsumer: { type: 'task.requested', capability: 'translation' },
    })
    await tell('registered', '1.0.0', takes('research.requested'))
    const live = { waitingFor: 'agent', detail: 'none of researcher has taken research.requested yet' }
    expect(await at(typed)).toMatchObject({
      ...live,
      unblockBy: ['researcher', 'plans.tasks.retry', 'plans.tasks.cancel'],
    })
    expect(await at(typed)).not.toHaveProperty('missingConsumer')
    expect(await at(capable)).not.toHaveProperty('missingConsumer')
    await tell('updated', '2.0.0', takes('other.requested'))
    expect(await at(typed)).toMatchObject(live)
    await bench.deliver(
      aFact(
        'agent.instance-stopped',
        { agentId: 'reg_1', name: 'researcher', agentVersion: '1.0.0', instanceId: instanceId(1), reason: 'replaced' },
        '2026-03-01T10:00:00.000Z',
      ),
    )
    expect(await at(typed)).toMatchObject({
      detail: 'no live agent consumes research.requested; one last did at 2026-03-01T10:00:00.000Z',
      missingConsumer: { lastAliveAt: '2026-03-01T10:00:00.000Z' },
    })
    expect(await at(capable)).not.toHaveProperty('missingConsumer')
    await tell('expired', '', { lastSeenAt: '2026-03-01T11:00:00.000Z' })
    expect((await at(capable))?.missingConsumer?.lastAliveAt).toBe('2026-03-01T11:00:00.000Z')
    await tell('instance-started', '1.0.0')
    expect(await at(typed)).toMatchObject(live)
    await bench.plans.tasks.start(planner, { params: { taskId: typed }, body: { deliveryKey: 'k' } })
    expect(await at(typed)).toBeUndefined()
  })

  it('TRK-R12 a gate names who may decide it, also after an escalation, and that it is decided', async () => {
    const planId = await aPlan()
    const gateId = newId('gate')
    const [taskId] = await delegate(planId, { kind: 'gate', gateId })
    expect(await blockerOf(planId, taskId)).toMatchObject({
      waitingFor: 'review',
      gateId,
      unblockBy: ['gate:decide', 'governance.gates.decide'],
    })
    const requirement = {
      deciders: [{ role: 'editor' }, { principal: 'usr-eve' }],
      quorum: 1,
      humans: 0,
      excludeRequester: true,
    }
    const opened = gateOpened.data.parse({
      gateId,
      kind: 'review',
      subject: { planId, taskId },
      title: 'Publish?',
      requirements: [requirement],
      deciders: requirement.deciders,
      payloadHash: `sha256:${'0'.repeat(64)}`,
      dueAt: '2030-01-01T00:00:00.000Z',
    })
    await bench.deliver(aFact('gate.opened', opened))
    expect(await blockerOf(planId, taskId)).toMatchObject({
      detail: `waits for a decision at gate ${gateId}`,
      dueAt: '2030-01-01T00:00:00.000Z',
      unblockBy: ['role:editor', 'usr-eve', 'governance.gates.decide'],
    })
    const byRole = async (role: string) =>
      (await bench.tracker.blockers.list(planner, { query: { role } })).items.map((item) => item.taskId)
    expect(await byRole('editor')).toEqual([taskId])
    const escalated = { gateId, principalId: 'system:expiry', what: 'step 1 of 1', round: 1 }
    const requirements = [{ ...requirement, deciders: [{ role: 'owner' }] }]
    await bench.deliver(aFact('gate.escalated', gateEscalated.data.parse({ ...escalated, requirements })))
    expect((await blockerOf(planId, taskId))?.unblockBy).toEqual(['role:owner', 'governance.gates.decide'])
    expect(await byRole('editor')).toEqual([])
    const { requirements: _requirements, title: _title, dueAt: _dueAt, ...common } = opened
    const decided = gateDecided.data.parse({ ...common, outcome: 'approved', edited: false, deciders: ['usr-eve'] })
    await bench.deliver(aFact('gate.decided', decided))
    expect((await blockerOf(planId, taskId))?.detail).toBe(`gate ${gateId} is decided: approved`)
  })

  it('TRK-R12 budget, rule, task, event and time that are waited for are named; other words of a wait are not kept', async () => {
    const planId = await aPlan()
    const wait = async (reason: 'dependency' | 'budget' | 'policy' | 'input', on: object, timeoutMs?: number) => {
      const [taskId] = await delegate(planId, { type: 'research.requested' })
      await start(taskId)
      const body = { reason, on: on as Record<string, string>, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
      await bench.plans.tasks.wait(planner, { params: { taskId }, body })
      return blockerOf(planId, taskId)
    }
    const missing = { costMicros: 5000, currency: 'EUR' }
    expect(await wait('budget', { budgetId: 'bud_1', missing, words: 'a payload' })).toMatchObject({
      waitingFor: 'budget',
      budgetId: 'bud_1',
      missing,
      detail: 'waits for budget bud_1, 5000 micros of EUR that are missing',
    })
    expect(await bench.digest()).not.toContain('a payload')
    expect(await wait('policy', { ruleIds: ['rule_7'] })).toMatchObject({
      waitingFor: 'policy',
      ruleIds: ['rule_7'],
      detail: 'waits for rule rule_7',
    })
    expect(await wait('dependency', { taskIds: ['task_x'] })).toMatchObject({ dependsOn: ['task_x'] })
    expect((await wait('dependency', { type: 'paper.published' }))?.detail).toBe('waits for event paper.published')
    expect((await wait('input', {}, 60_000))?.detail).toMatch(/^waits for its time at \d{4}-/)
  })

  it('TRK-R12 retries, pauses and delegations name their end, and only tasks without running work have a blocker', async () => {
    const planId = await aPlan()
    const [failing, parent, idle] = (await delegate(
      planId,
      { type: 'check.requested', retry: { baseMs: 60_000, maxTries: 20 } },
      { type: 'write.requested' },
      { type: 'idle.requested' },
    )) as [string, string, string]
    await start(failing)
    await bench.plans.tasks.fail(planner, {
      params: { taskId: failing },
      body: { problem: { code: 'busy', detail: 'busy', retryable: true } },
    })
    const { retryAt } = await bench.plans.tasks.get(planner, { params: { taskId: failing } })
    expect(await blockerOf(planId, failing)).toMatchObject({ waitingFor: 'retry', nextRetryAt: retryAt })
    await start(parent)
    const { taskIds } = await bench.plans.tasks.delegate(planner, {
      params: { taskId: parent },
      body: { specs: [{ type: 'draft.requested' }] },
    })
    const child = taskIds[0] as string
    expect(await blockerOf(planId, parent)).toMatchObject({ waitingFor: 'dependency', dependsOn: [child] })
    await start(child)
    const { taskIds: below } = await bench.plans.tasks.delegate(planner, {
      params: { taskId: child },
      body: { specs: [{ type: 'words.requested' }] },
    })
    await start(below[0] as string)
    expect((await blockersOf(planId)).map((blocker) => blocker.taskId).sort()).toEqual([failing, idle].sort())
    const { plan } = await bench.tracker.plans.get(planner, { params: { planId } })
    expect(plan.blockers).toBe(2)
    await bench.plans.plans.pause(planner, { params: { planId }, body: { reason: 'lunch', mode: 'drain' } })
    expect(await blockerOf(planId, idle)).toMatchObject({
      detail: 'its plan is paused',
      unblockBy: ['plans.plans.resume'],
    })
  })

  it('open blockers of all plans are paged, oldest first, and only those of plans that the caller sees', async () => {
    const all = (await bench.tracker.blockers.list(planner, { query: { limit: 200 } })).items
    expect(all.length).toBeGreaterThan(5)
    expect(all.map((blocker) => blocker.sinceAt)).toEqual(all.map((blocker) => blocker.sinceAt).sort())
    const paged: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await bench.tracker.blockers.list(planner, {
        query: { limit: 2, ...(cursor === undefined ? {} : { cursor }) },
      })
      paged.push(...page.items.map((blocker) => blocker.taskId))
      if (page.nextCursor === null) break
      cursor = page.nextCursor
    }
    expect(paged).toEqual(all.map((blocker) => blocker.taskId))
    const only = async (query: object, context = planner) =>
      (await bench.tracker.blockers.list(context, { query })).items.map((blocker) => blocker.waitingFor)
    expect(await only({ waitingFor: 'budget' })).toEqual(['budget'])
    expect(await only({ olderThanMs: 3_600_000 })).toEqual([])
    expect(await only({}, actor('usr-b'))).toEqual([])
    expect(await only({}, actor('usr-a', 'tenant-b'))).toEqual([])
  })
})
