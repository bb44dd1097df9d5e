import { EventEmitter, once } from 'node:events'
import { silentLogger } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { aTenantOn } from '../testing/on-server.ts'
import { createTestPlatform } from '../testing/index.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import { defineEvent, definePlanner, defineWorker } from './index.ts'
import type { TaskContext } from './context/task-context.ts'

let server: TestServer
let tenants = 0
const open: { stop: () => Promise<void> }[] = []
beforeAll(async () => {
  server = await startServerOfTests()
}, 60_000)
afterEach(async () => {
  await Promise.all(open.splice(0).map((tenant) => tenant.stop()))
})
afterAll(() => server?.stop(), 60_000)

const dug = defineEvent({
  ...{
    type: 'hole.completed',
    topic: 'action-results',
    description: 'A hole.',
    data: z.object({ metres: z.number() }),
  },
})
const dig = defineEvent({
  ...{ type: 'hole.requested', topic: 'action-requests', description: 'Digs for long.', data: z.object({}) },
  response: dug,
})

const build = defineEvent({
  ...{ type: 'house.requested', topic: 'action-requests', description: 'Builds.', data: z.object({}) },
})
const stormy = defineEvent({
  ...{ type: 'weather.turned', topic: 'business-facts', description: 'A storm.', data: z.object({}) },
})

/** A worker whose task waits until it is told to stop. */
const aDigger = (end: (task: TaskContext) => void) => {
  const said = new EventEmitter()
  const [begun, told] = [once(said, 'begun'), once(said, 'told')]
  let runs = 0
  const digger = defineWorker({ name: 'digger', description: 'Digs.', graceMs: 100 })
  digger.onTask(dig, async (task, { signal }) => {
    runs += 1
    await task.save()
    said.emit('begun', task.taskId)
    if (!signal.aborted) await once(signal, 'abort')
    said.emit('told', String(signal.reason))
    end(task as never)
  })
  return { digger, begun, told, runs: () => runs }
}
const ends: [string, (task: TaskContext) => void][] = [
  ['goes on all the same', (task) => task.complete({ metres: 1 })],
  [
    'throws',
    () => {
      throw new Error('stopped digging')
    },
  ],
]
const reason = 'no hole is wanted'

describe.each(['in process', 'over HTTP'] as const)('a handler that runs for long %s', (home) => {
  const aTenant = () => {
    const tenantId = `cancel-${++tenants}`
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a' })
    const tenant = aTenantOn(server, { home, agent, user: testContext({ tenantId }), log: silentLogger })
    open.push(tenant)
    return tenant
  }

  it.each(ends)(
    'SDK-R19 is told that its task was cancelled, and what it says then counts no more: it %s',
    async (_what, end) => {
      const tenant = aTenant()
      const { digger, begun, told, runs } = aDigger(end)
      await tenant.start(digger)
      await tenant.request('hole', {}, 'corr-1')
      const [taskId] = await begun
      await tenant.clients.plans.tasks.cancel(tenant.user, { params: { taskId }, body: { reason } })
      expect(await told).toEqual([expect.stringContaining(taskId)])
      await expectOneFailure(tenant, 'corr-1')
      // Nothing of it is left with the group: the next request comes.
      await tenant.request('hole', {}, 'corr-2')
      await expect.poll(runs, { timeout: 15_000 }).toBe(2)
    },
  )

  it.each(ends)('SDK-R19 is told that its plan was cancelled: it %s', async (_what, end) => {
    const tenant = aTenant()
    const { digger, begun, told } = aDigger(end)
    await tenant.start(digger)
    const { plans } = tenant.clients.plans
    const { planId } = await plans.create(tenant.user, { body: { title: 'Holes' } })
    const specs = [{ type: dig.type, responseType: dug.type }]
    const [taskId] = (await plans.delegate(tenant.user, { params: { planId }, body: { specs } })).taskIds
    await begun
    await plans.cancel(tenant.user, { params: { planId }, body: { reason } })
    expect(await told).toEqual([expect.stringContaining(taskId as string)])
    await expectOneFailure(tenant, taskId as string)
    expect((await plans.get(tenant.user, { params: { planId } })).status).toBe('cancelled')
  })

  it('a new try of a task that has just failed is not told of that', async () => {
    const tenant = aTenant()
    const told: boolean[] = []
    let runs = 0
    const digger = defineWorker({ name: 'digger', description: 'Fails first.', graceMs: 100 })
    digger.onTask(dig, async (task, { signal }) => {
      runs += 1
      if (runs === 1) return task.fail({ code: 'stone', detail: 'a stone' })
      // Longer than it takes to hear of what was ended.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      told.push(signal.aborted)
      task.complete({ metres: 2 })
    })
    await tenant.start(digger)
    const { plans, tasks } = tenant.clients.plans
    const { planId } = await plans.create(tenant.user, { body: { title: 'Holes' } })
    const specs = [{ type: dig.type, responseType: dug.type }]
    const [taskId = ''] = (await plans.delegate(tenant.user, { params: { planId }, body: { specs } })).taskIds
    const params = { taskId }
    const statusOf = async () => (await tasks.get(tenant.user, { params })).status
    await expect.poll(statusOf, { timeout: 15_000 }).toBe('failed')
    await tasks.retry(tenant.user, { params, body: { reason: 'again' } })
    await expect.poll(() => told, { timeout: 15_000 }).toEqual([false])
    // And what it says is a reply of its own: not the failure's once more.
    await expect.poll(statusOf, { timeout: 15_000 }).toBe('completed')
    expect(await tasks.get(tenant.user, { params })).toMatchObject({ generation: 2, output: { metres: 2 } })
  })

  it('SDK-R19 is told that its time is over', async () => {
    const tenant = aTenant()
    const { digger, told } = aDigger((task) => task.complete({ metres: 1 }))
    await tenant.start(digger)
    const { plans } = tenant.clients.plans
    const { planId } = await plans.create(tenant.user, { body: { title: 'Holes' } })
    const specs = [{ type: dig.type, responseType: dug.type, timeoutMs: 1_000 }]
    const [taskId] = (await plans.delegate(tenant.user, { params: { planId }, body: { specs } })).taskIds
    expect(await told).toEqual([expect.stringContaining(taskId as string)])
    await expectOneFailure(tenant, taskId as string, 'timeout')
  })
})

it('a handler on the test platform is told that its plan was cancelled', async () => {
  const platform = await createTestPlatform()
  const { digger, begun, told } = aDigger((task) => task.complete({ metres: 1 }))
  const planner = definePlanner({ name: 'foreman', description: 'Gives up.' })
  planner.onGoal(build, async (goal, { plans }) => {
    const plan = await plans.createFromGoal(goal)
    plan.delegate(dig, {})
  })
  planner.onEvent(stormy, async (_fact, { plans }) => {
    const plan = await plans.restoreByCorrelation('corr-1')
    plan?.cancel('a storm')
  })
  await platform.start(digger, planner)
  await platform.publish(build, {}, { correlationId: 'corr-1' })
  const [taskId] = await begun
  await platform.publish(stormy, {})
  expect(await told).toEqual([expect.stringContaining(taskId)])
  await platform.stop()
})

type Tenant = ReturnType<typeof aTenantOn>
/** The requester hears once: nothing of what the handler said. */
async function expectOneFailure(tenant: Tenant, correlationId: string, code = 'cancelled'): Promise<void> {
  const reply = await tenant.reply('hole.completed', correlationId)
  expect(reply).toMatchObject({ outcome: 'failed', data: { problem: { code } } })
  await tenant.clients.events.events.publish(tenant.user, {
    body: {
      type: 'hole.completed',
      topic: 'action-results',
      data: { metres: 0 },
      correlationId: `${correlationId}-last`,
    },
  })
  await tenant.reply('hole.completed', `${correlationId}-last`)
  const { items } = await tenant.clients.events.events.list(tenant.user, {
    query: { topic: 'action-results', correlationId },
  })
  expect(items).toHaveLength(1)
}
