import { ERASED_DATA, type EventEnvelope } from '@soma/kernel'
import { afterAll, describe, expect, it } from 'vitest'
import { anEvent, aPlanner, aReader, openTrackerBench } from '../../testing/index.ts'
import { MODELS } from '../rebuild/shadow.ts'

const SECRET = 'what nobody may find'
const anna = aPlanner({ userId: 'usr-anna' })
const bert = aPlanner({ userId: 'usr-bert' })
const operator = aReader(['platform:operate', 'plan:read', 'plan:read-all'])
const bench = await openTrackerBench()
afterAll(() => bench.close())

/** Every row of every table of the module. */
async function rows(): Promise<string> {
  const texts = await bench.database.transaction({ role: 'soma_worker', tenantId: 'tenant-a' }, async (session) => {
    const found: unknown[] = []
    for (const { name } of MODELS)
      for (const table of [name, `shadow_${name}`]) found.push(await session.query(`select * from tracker.${table}`))
    return found
  })
  return JSON.stringify(texts)
}
const requestOf = (taskId: string) =>
  bench.events.findLast((event) => event.topic === 'action-requests' && event.taskid === taskId) as EventEnvelope
const replyTo = (request: EventEnvelope, data: unknown): EventEnvelope =>
  anEvent({
    ...{
      type: request.responsetype as string,
      correlationid: request.correlationid as string,
      causationid: request.id,
    },
    ...{ planid: request.planid as string, taskid: request.taskid as string, userid: request.userid as string, data },
  })

describe('what is not kept', { timeout: 120_000 }, () => {
  it('TRK-R31 no payload is stored: inputs, goals, requests, replies, results and the details of problems are in no row', async () => {
    const { planId } = await bench.plans.plans.create(anna, {
      body: { title: 'Docs', inputs: SECRET, goal: { type: 'docs.check.requested', data: SECRET } },
    })
    const { taskIds } = await bench.plans.plans.delegate(anna, {
      params: { planId },
      body: { specs: [1, 2].map(() => ({ type: 'check.requested', responseType: 'check.done', data: { SECRET } })) },
    })
    bench.events.push(replyTo(requestOf(taskIds[0] as string), { answer: SECRET }))
    await bench.plans.tasks.fail(anna, {
      params: { taskId: taskIds[1] as string },
      body: { problem: { code: 'bad', detail: SECRET } },
    })
    bench.events.push(
      anEvent({
        topic: 'business-facts',
        type: 'check.remarked',
        planid: planId,
        userid: 'usr-anna',
        data: { SECRET },
      }),
    )
    await bench.settle()
    await bench.plans.plans.finish(anna, { params: { planId }, body: { outcome: 'completed', result: SECRET } })
    await bench.settle()
    expect(await rows()).not.toContain(SECRET)
    expect((await bench.tracker.plans.get(anna, { params: { planId } })).plan).toMatchObject({
      status: 'completed',
      counts: { completed: 1, failed: 1 },
    })
  })

  it('TRK-R31 erasing a user removes summaries and names of its plans, of what comes later too, and a rebuild brings nothing back', async () => {
    const work = async (who: typeof anna) => {
      const { planId } = await bench.plans.plans.create(who, { body: { title: `${who.userId} ${SECRET}` } })
      const specs = [{ type: 'check.requested', name: `${who.userId} ${SECRET}` }]
      const { taskIds } = await bench.plans.plans.delegate(who, { params: { planId }, body: { specs } })
      const params = { taskId: taskIds[0] as string }
      await bench.plans.tasks.start(who, { params, body: { deliveryKey: 'k' } })
      await bench.plans.tasks.progress(who, { params, body: { progress: 0.5, message: `${who.userId} ${SECRET}` } })
      await bench.sweep()
      await bench.settle()
      return { planId, params }
    }
    const [hers, his] = [await work(anna), await work(bert)]
    expect(await rows()).toContain(`usr-anna ${SECRET}`)
    const erased = {
      source: '/modules/identity',
      type: 'principal.erased',
      topic: 'system-events',
      data: { principalId: 'usr-anna' },
    } as const
    await bench.deliver(anEvent({ ...erased, source: '/agents/forger', data: { principalId: 'usr-bert' } }))
    await bench.deliver(anEvent(erased))
    expect(await rows()).not.toContain(`usr-anna ${SECRET}`)
    expect(await rows()).toContain(`usr-bert ${SECRET}`)
    const { plan } = await bench.tracker.plans.get(anna, { params: { planId: hers.planId } })
    expect(plan).toMatchObject({ name: 'unknown plan', counts: { total: 1, running: 1 }, progress: 0.5 })
    const { items } = await bench.tracker.planTimeline.list(anna, { params: { planId: hers.planId } })
    expect(items.length).toBeGreaterThan(3)
    for (const entry of items) expect(entry.summary).toBe(entry.type)

    // What was on its way.
    await bench.plans.tasks.fail(anna, { params: hers.params, body: { problem: { code: 'late', detail: 'late' } } })
    await bench.settle()
    expect((await bench.tracker.tasks.get(anna, { params: hers.params })).task).toMatchObject({
      state: 'failed',
      name: 'unknown task',
    })
    await bench.keep()
    expect(await rows()).not.toContain(`usr-anna ${SECRET}`)

    for (const [index, event] of bench.events.entries())
      if (event.userid === 'usr-anna') bench.events[index] = { ...event, data: ERASED_DATA }
    const before = await bench.digest()
    const { rebuildId } = await bench.tracker.rebuilds.verify(operator, { body: {} })
    await bench.rebuild()
    const { models, failed } = await bench.tracker.rebuilds.get(operator, { params: { rebuildId } })
    expect(models.filter(({ isEqual }) => !isEqual)).toEqual([])
    expect(failed).toBe(0)
    await bench.tracker.rebuilds.create(operator, { body: {} })
    await bench.rebuild()
    expect((await bench.digest()).replaceAll('"kept":true', '"kept":false')).toBe(before)
    expect((await bench.tracker.plans.get(bert, { params: { planId: his.planId } })).plan.name).toContain(SECRET)
  })
})
