import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEvent, aPlanner, aReader, openTrackerBench } from '../../testing/index.ts'
import type { Rebuild } from '../../contract/index.ts'
import { MODELS } from './shadow.ts'

const planner = aPlanner()
const operator = aReader(['platform:operate', 'plan:read', 'plan:read-all'])
const bench = await openTrackerBench()
afterAll(() => bench.close())

const scope = { role: 'soma_worker', tenantId: 'tenant-a' } as const
const sql = (text: string) => bench.database.transaction(scope, (session) => session.query(text))
const shadowRows = async () => {
  const counts = await Promise.all(MODELS.map(({ name }) => sql(`select 1 from tracker.shadow_${name}`)))
  return counts.reduce((sum, rows) => sum + rows.length, 0)
}

/** A plan with a task that is done, one that failed and one that is open. */
async function work(): Promise<string> {
  const { planId } = await bench.plans.plans.create(planner, { body: { title: 'Work', correlationIds: ['work'] } })
  const specs = [1, 2, 3].map(() => ({ type: 'check.requested' }))
  const { taskIds } = await bench.plans.plans.delegate(planner, { params: { planId }, body: { specs } })
  const [done, failed] = taskIds.map((taskId) => ({ params: { taskId } })) as [
    { params: { taskId: string } },
    { params: { taskId: string } },
  ]
  await bench.plans.tasks.start(planner, { ...done, body: { deliveryKey: 'k' } })
  await bench.plans.tasks.complete(planner, { ...done, body: { output: 1 } })
  await bench.plans.tasks.fail(planner, { ...failed, body: { problem: { code: 'bad', detail: 'bad' } } })
  return planId
}
const agentFact = (verb: string, more: object) =>
  anEvent({
    ...{ source: '/modules/registry', type: `agent.${verb}`, topic: 'system-events', partitionkey: 'reg_1' },
    ...{ traceparent: planner.traceparent, dataschema: 'x' },
    data: { agentId: 'reg_1', name: 'checker', agentVersion: '1.0.0', instanceId: 'one', ...more },
  })
const finished = async (kind: 'create' | 'verify'): Promise<Rebuild> => {
  const { rebuildId } = await bench.tracker.rebuilds[kind](operator, { body: {} })
  await bench.rebuild()
  return bench.tracker.rebuilds.get(operator, { params: { rebuildId } })
}
const unequal = ({ models }: Rebuild) => models.filter((model) => !model.isEqual).map(({ model }) => model)
/** Rows that no fact made, and facts that no row tells. */
const spoil = async () => {
  await sql(`update tracker.tasks set status = 'cancelled', doc = '{}' where status = 'completed'`)
  await sql(
    `insert into tracker.plans (tenant_id, id, status, sort_at, as_of) values ('tenant-a', gen_random_uuid(), 'running', now(), now())`,
  )
  await sql(`delete from tracker.timeline where type = 'plan.created'`)
}

describe('a rebuild from the log', () => {
  beforeAll(async () => {
    for (let plan = 0; plan < 5; plan++) await work()
    const takes = [{ topic: 'action-requests', type: 'check.requested' }]
    bench.events.push(agentFact('registered', { consumes: takes }), agentFact('instance-stopped', {}))
    await bench.settle()
  })

  it('TRK-R5 a verification builds beside what serves, compares each model and changes nothing', async () => {
    const clean = await finished('verify')
    expect(clean).toMatchObject({ kind: 'verify', status: 'completed', failed: 0, read: clean.toRead })
    expect(unequal(clean)).toEqual([])
    expect(clean.models.map(({ model, rows }) => [model, rows > 0])).toEqual(
      MODELS.map(({ name }) => [name, name !== 'gates']),
    )
    await spoil()
    const spoilt = await bench.digest()
    expect(unequal(await finished('verify'))).toEqual(['plans', 'tasks', 'timeline'])
    expect(await bench.digest()).toBe(spoilt)
    expect(await shadowRows()).toBe(0)
  })

  it('TRK-R5 a rebuild swaps in what the log says, in one moment, and the same bytes as before the rows went wrong', async () => {
    await finished('create')
    const right = await bench.digest()
    await spoil()
    expect(await bench.digest()).not.toBe(right)
    const rebuilt = await finished('create')
    expect(unequal(rebuilt)).toEqual(['plans', 'tasks', 'timeline'])
    expect(await bench.digest()).toBe(right)
    expect(unequal(await finished('verify'))).toEqual([])
    for (const { name } of MODELS) await sql(`delete from tracker.${name}`)
    await finished('create')
    expect(await bench.digest()).toBe(right)
    expect(await shadowRows()).toBe(0)
  })

  it('TRK-R5 while it reads, the old rows serve, live facts go on being applied, and none of them is lost in the swap', async () => {
    const before = (await bench.tracker.plans.list(operator, { query: { limit: 200 } })).items.length
    const made: string[] = []
    const asOf: string[] = []
    bench.log.beforeRead = async () => {
      const { items, asOf: at } = await bench.tracker.plans.list(operator, { query: { limit: 200 } })
      asOf.push(at as string)
      expect(items).toHaveLength(before + made.length)
      if (made.length === 5) return
      made.push(await work())
      bench.events.push(agentFact(made.length % 2 === 0 ? 'instance-stopped' : 'instance-started', {}))
      await bench.settle()
    }
    const { rebuildId } = await bench.tracker.rebuilds.create(operator, { body: {} })
    await bench.rebuild()
    bench.log.beforeRead = () => undefined
    expect(await bench.tracker.rebuilds.get(operator, { params: { rebuildId } })).toMatchObject({ status: 'completed' })
    expect(made).toHaveLength(5)
    expect(asOf).toEqual(asOf.toSorted())
    const { items } = await bench.tracker.plans.list(operator, { query: { limit: 200 } })
    expect(items.map((plan) => plan.planId)).toEqual(expect.arrayContaining(made))
    expect(unequal(await finished('verify'))).toEqual([])
  })

  it('TRK-R5 facts that are applied between the request and the first look at the log are not lost', async () => {
    const made: string[] = []
    bench.log.beforeHeads = async () => {
      if (made.length === 10) return
      made.push(await work())
      await bench.settle()
    }
    await finished('create')
    bench.log.beforeHeads = () => undefined
    expect(made.length).toBeGreaterThan(5)
    for (const planId of made)
      expect((await bench.tracker.plans.get(operator, { params: { planId } })).plan.counts.completed).toBe(1)
    expect(unequal(await finished('verify'))).toEqual([])
  })

  it('facts of agents that come faster than they are read are not lost either', async () => {
    const versionOf = async () => (await sql(`select doc from tracker.agents where id = 'reg_1'`))[0]
    let told = 0
    bench.log.beforeRead = async () => {
      bench.events.push(agentFact('instance-started', { instanceId: `instance ${(told += 1)}` }))
      await bench.settle()
    }
    await finished('create')
    bench.log.beforeRead = () => undefined
    expect(told).toBeGreaterThan(5)
    expect(JSON.stringify(await versionOf())).toContain(`instance ${told}`)
    expect(unequal(await finished('verify'))).toEqual([])
  })

  it('TRK-R5 a process that dies at any read is followed by one that goes on from there', async () => {
    const right = await bench.digest()
    await spoil()
    const { rebuildId } = await bench.tracker.rebuilds.create(operator, { body: {} })
    let reads = 0
    for (let deaths = 0; ; deaths++) {
      let left = 1
      bench.log.beforeRead = () => {
        reads += 1
        if (left-- === 0) throw new Error('killed')
      }
      const died = await bench.rebuild().then(
        () => false,
        () => true,
      )
      if (!died) break
      expect(deaths).toBeLessThan(50)
      expect((await bench.tracker.plans.list(operator, {})).items.length).toBeGreaterThan(0)
    }
    bench.log.beforeRead = () => undefined
    expect(reads).toBeGreaterThan(5)
    expect(await bench.tracker.rebuilds.get(operator, { params: { rebuildId } })).toMatchObject({ status: 'completed' })
    expect(await bench.digest()).toBe(right)
  })

  it('one at a time in a tenant, and what cannot be applied is counted and left out', async () => {
    await bench.tracker.rebuilds.create(operator, { body: {} })
    await expect(bench.tracker.rebuilds.verify(operator, { body: {} })).rejects.toMatchObject({ code: 'conflict' })
    const other = aReader(['platform:operate'], { tenantId: 'tenant-b' })
    const elsewhere = await bench.tracker.rebuilds.create(other, { body: {} })
    const ofOther = { params: { rebuildId: elsewhere.rebuildId }, query: { tenantId: 'tenant-b' } }
    await expect(bench.tracker.rebuilds.get(operator, ofOther)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(bench.tracker.rebuilds.create(operator, { body: { tenantId: 'tenant-b' } })).rejects.toMatchObject({
      code: 'forbidden',
    })
    const platform = aReader(['platform:operate'], { tenantId: 'platform' })
    expect(await bench.tracker.rebuilds.get(platform, ofOther)).toMatchObject({ tenantId: 'tenant-b' })
    await bench.rebuild()
    expect(await bench.tracker.rebuilds.get(other, { params: { rebuildId: elsewhere.rebuildId } })).toMatchObject({
      status: 'completed',
      applied: 0,
    })
    await expect(
      bench.tracker.rebuilds.get(operator, { params: { rebuildId: elsewhere.rebuildId } }),
    ).rejects.toMatchObject({ code: 'not-found' })
    const broken = anEvent({
      ...{ source: '/modules/plans', type: 'task.completed', topic: 'task-events', data: { taskId: 'nonsense' } },
      ...{ traceparent: planner.traceparent, dataschema: 'x' },
    })
    const right = await bench.digest()
    bench.events.push(broken)
    expect(await finished('create')).toMatchObject({ failed: 1 })
    expect(await bench.digest()).toBe(right)
    await expect(bench.settle()).rejects.toThrow()
  })

  it('TRK-R6 what retention has taken from the log stays, marked as kept, with what the log still has on top', async () => {
    const [oldest] = (await bench.tracker.plans.list(operator, { query: { limit: 200 } })).items.slice(-1)
    const planId = oldest?.planId as string
    const params = { planId }
    const before = {
      plan: (await bench.tracker.plans.get(operator, { params })).plan,
      tasks: (await bench.tracker.planTasks.list(operator, { params })).items,
      entries: (await bench.tracker.planTimeline.list(operator, { params, query: { limit: 200 } })).items,
    }
    const cut = bench.events.findLastIndex((event) => event.planid === planId)
    bench.log.trimBefore(cut + 1)
    await spoil()
    await sql(`update tracker.plans set doc = doc || '{"name":"kept as it is"}' where doc ->> 'name' = 'Work'`)
    await finished('create')
    bench.log.trimBefore(1)
    const { plan } = await bench.tracker.plans.get(operator, { params })
    expect(plan).toMatchObject({ kept: true, createdAt: before.plan.createdAt, counts: { total: 3 } })
    const { items: entries } = await bench.tracker.planTimeline.list(operator, { params, query: { limit: 200 } })
    const told = before.entries.filter((entry) => entry.type !== 'plan.created')
    expect(entries.map((entry) => entry.id)).toEqual(told.map((entry) => entry.id))
    expect(entries.at(-1)).not.toHaveProperty('kept')
    expect(entries.slice(0, -1).every((entry) => entry.kept === true)).toBe(true)
    const later = (await bench.tracker.plans.list(operator, {})).items[0]
    expect(later).toMatchObject({ name: 'Work' })
    expect(later).not.toHaveProperty('kept')
  })
})
