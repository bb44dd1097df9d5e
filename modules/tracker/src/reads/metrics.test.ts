import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aFact, aReader, aTaskFact, openTrackerBench, type TrackerBench } from '../../testing/index.ts'
import type { AgentMetrics } from '../../contract/index.ts'

const reader = (tenantId = 'tenant-a') => aReader(['agent:read', 'plan:read', 'plan:read-all'], { tenantId })
const HOUR_MS = 3_600_000
const planId = newId('plan')
const facts: EventEnvelope[] = []
let bench: TrackerBench

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString()
function aTask(name: string, ended: { runMs: number; endedMsAgo?: number; status?: string; type?: string }): string {
  const taskId = newId('task')
  const { runMs, endedMsAgo = 60_000, status = 'completed', type = 'check.requested' } = ended
  const at = ago(endedMsAgo)
  const common = { at, type, agent: { name } }
  facts.push(
    aTaskFact('started', { planId, taskId }, { ...common, version: 2, status: 'running' }),
    aTaskFact(
      status,
      { planId, taskId },
      { ...common, version: 3, status, queuedMs: Math.round(runMs / 10), runMs, problem: { code: 'x' } },
    ),
  )
  return taskId
}
const metricsOf = async (name: string, query: { period?: AgentMetrics['period']; type?: string } = {}) =>
  (await bench.tracker.agents.metrics(reader(), { params: { name }, query })).metrics

const RUNS_MS = Array.from({ length: 100 }, (_item, index) => 10 + index * index * 13)
const exact = (share: number): number => RUNS_MS[Math.ceil(RUNS_MS.length * share) - 1] as number

describe('metrics of agents', () => {
  beforeAll(async () => {
    bench = await openTrackerBench()
    for (const [index, runMs] of RUNS_MS.entries())
      aTask('checker', { runMs, type: index % 2 === 0 ? 'check.requested' : 'count.requested' })
    aTask('mixed', { runMs: 1000 })
    aTask('mixed', { runMs: 3000, status: 'failed' })
    aTask('mixed', { runMs: 90_000, status: 'cancelled' })
    aTask('mixed', { runMs: 1000, endedMsAgo: 2 * HOUR_MS })
    aTask('mixed', { runMs: 1000, endedMsAgo: 8 * 24 * HOUR_MS })
    for (const event of facts) await bench.deliver(event)
  }, 60_000)
  afterAll(() => bench.close())

  it('TRK-R20 percentiles are at most 5 % off, of all types together and of each', async () => {
    const metrics = await metricsOf('checker')
    const average = RUNS_MS.reduce((sum, ms) => sum + ms, 0) / RUNS_MS.length
    expect(metrics).toMatchObject({ total: 100, completed: 100, failed: 0, avgMs: Math.round(average), successRate: 1 })
    const near = (found: number | undefined, truth: number) =>
      expect(Math.abs((found as number) - truth) / truth, `${found} for ${truth}`).toBeLessThanOrEqual(0.05)
    near(metrics.p50Ms, exact(0.5))
    near(metrics.p95Ms, exact(0.95))
    near(metrics.queuedP50Ms, exact(0.5) / 10)
    expect(metrics.byType.map(({ type, total }) => [type, total])).toEqual([
      ['check.requested', 50],
      ['count.requested', 50],
    ])
    const [one] = metrics.byType
    near(one?.p50Ms, RUNS_MS.filter((_ms, index) => index % 2 === 0)[24] as number)
    expect(await metricsOf('checker', { type: 'check.requested' })).toMatchObject({ total: 50, p50Ms: one?.p50Ms })
  })

  it('TRK-R20 counts are exact for each period, and each task counts once, whatever is delivered again', async () => {
    const hour = await metricsOf('mixed', { period: '1h' })
    expect(hour).toMatchObject({ total: 3, completed: 1, failed: 1, cancelled: 1, successRate: 0.5, avgMs: 2000 })
    for (const event of facts.filter((one) => JSON.stringify(one.data).includes('mixed'))) await bench.deliver(event)
    expect(await metricsOf('mixed', { period: '1h' })).toEqual(hour)
    const totals = await Promise.all(
      (['24h', '7d', '30d'] as const).map(async (period) => (await metricsOf('mixed', { period })).total),
    )
    expect(totals).toEqual([4, 4, 5])
  })

  it('TRK-R20 a task counts for the agent that ended it; retries and dead letters are apart from failures', async () => {
    const ids = { planId, taskId: newId('task') }
    const at = ago(1000)
    const first = { at, agent: { name: 'first' } }
    const second = { at, agent: { name: 'second' }, generation: 2 }
    await bench.deliver(aTaskFact('started', ids, { ...first, version: 2, status: 'running' }))
    await bench.deliver(aTaskFact('retried', ids, { ...first, version: 3, status: 'pending', reason: 'lease-lost' }))
    await bench.deliver(aTaskFact('started', ids, { ...first, version: 4, status: 'running' }))
    await bench.deliver(aTaskFact('failed', ids, { ...first, version: 5, status: 'failed', problem: { code: 'x' } }))
    expect(await metricsOf('first')).toMatchObject({ total: 1, failed: 1, retries: 1, successRate: 0 })
    await bench.deliver(aTaskFact('retried', ids, { at, generation: 2, version: 6, status: 'pending' }))
    await bench.deliver(aTaskFact('started', ids, { ...second, version: 7, status: 'running' }))
    await bench.deliver(aTaskFact('completed', ids, { ...second, version: 8, status: 'completed' }))
    expect(await metricsOf('first')).toMatchObject({ total: 0, failed: 0, retries: 1, deadLetters: 0 })
    expect(await metricsOf('second')).toMatchObject({ total: 1, completed: 1, failed: 0, retries: 0 })

    const dead = { planId, taskId: newId('task') }
    await bench.deliver(aTaskFact('started', dead, { ...first, version: 2, status: 'running' }))
    await bench.deliver({
      ...aFact('delivery.dead-lettered', {
        group: 'sub_1',
        type: 'check.requested',
        attempts: 5,
        problem: { code: 'x' },
      }),
      topic: 'dead-letter',
      partitionkey: dead.taskId,
    })
    expect(await metricsOf('first')).toMatchObject({ total: 0, failed: 0, deadLetters: 1 })
  })

  it('TRK-R14 queue time and run time are apart in the task, in the timeline and in the metrics of its agent', async () => {
    const taskId = aTask('steady', { runMs: 5000 })
    const ids = { planId, taskId }
    await bench.deliver(aTaskFact('created', ids, { at: ago(90_000), version: 1, status: 'pending', delivery: 0 }))
    const read = async () => (await bench.tracker.tasks.get(reader(), { params: { taskId } })).task
    expect(await read()).not.toHaveProperty('queuedMs')
    expect(await read()).not.toHaveProperty('runMs')
    for (const event of facts.slice(-2)) await bench.deliver(event)
    expect(await read()).toMatchObject({ queuedMs: 500, runMs: 5000 })
    const { items } = await bench.tracker.planTimeline.list(reader(), {
      params: { planId },
      query: { limit: 200, order: 'newest' },
    })
    const durations = items.filter((entry) => entry.taskId === taskId).map((entry) => [entry.type, entry.durationMs])
    expect(Object.fromEntries(durations)).toEqual({
      'task.created': undefined,
      'task.started': undefined,
      'task.completed': 5000,
    })
    const metrics = await metricsOf('steady')
    expect(metrics.avgMs).toBe(5000)
    expect(Math.abs((metrics.queuedP50Ms as number) - 500)).toBeLessThanOrEqual(25)
  })

  it('an agent that nobody knows, and one of another tenant, is not found; one that has done nothing has zeros', async () => {
    const call = (name: string, tenantId?: string) =>
      bench.tracker.agents.metrics(reader(tenantId), { params: { name } })
    await expect(call('nobody')).rejects.toMatchObject({ code: 'not-found' })
    await expect(call('checker', 'tenant-b')).rejects.toMatchObject({ code: 'not-found' })
    await bench.deliver(
      aFact('agent.registered', {
        agentId: 'reg_2',
        name: 'idle',
        agentVersion: '1.0.0',
        instanceId: newId('x'),
        consumes: [],
      }),
    )
    expect(await metricsOf('idle')).toEqual({
      agent: 'idle',
      period: '24h',
      total: 0,
      completed: 0,
      failed: 0,
      cancelled: 0,
      retries: 0,
      deadLetters: 0,
      byType: [],
    })
  })
})
