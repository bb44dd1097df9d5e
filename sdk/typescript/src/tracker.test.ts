import { newId, silentLogger } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createTestPlatform } from '../testing/index.ts'
import { aTenantOn, until } from '../testing/on-server.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import { defineEvent, definePlanner, defineWorker, type PlatformContext } from './index.ts'

const reported = defineEvent({
  type: 'report.completed',
  topic: 'action-results',
  description: 'A report.',
  data: z.object({}),
})
const report = defineEvent({
  type: 'report.requested',
  topic: 'action-requests',
  description: 'Asks where the plan stands.',
  data: z.object({}),
  response: reported,
})
const goal = defineEvent({
  type: 'house.requested',
  topic: 'action-requests',
  description: 'Builds.',
  data: z.object({}),
})

/** A worker that looks at its own plan while its task runs. */
function aReporter() {
  const seen: Promise<unknown>[] = []
  const reporter = defineWorker({ name: 'reporter', description: 'Looks around.' })
  reporter.onTask(report, async (task, context) => {
    await task.save()
    seen.push(look(context))
    await Promise.allSettled(seen)
    task.complete({})
  })
  return { reporter, seen: () => until(async () => seen[0]) }
}

async function look({ tracker, identity, event }: PlatformContext) {
  // The tracker follows the log.
  const progress = await until(async () => {
    const found = await tracker.progress()
    return found?.plan.counts.running === 1 ? found : undefined
  })
  const tasks = await tracker.tasks()
  const group = await tracker.group(tasks?.[0]?.groupId ?? '')
  return {
    isOfThisPlan: progress.plan.planId === event.planid,
    isFresh: typeof progress.lagMs === 'number' && progress.asOf !== null,
    tasks: tasks?.map(({ type, state }) => ({ type, state })),
    group: { total: group?.total, members: group?.members.map(({ type }) => type) },
    unknown: await tracker.progress(newId('plan')),
    isMine: (await identity.me()).userId === (event.userid ?? null),
    mayRead: await identity.may('plan:read'),
    mayNothing: await identity.may('tenant:nothing'),
  }
}
const SEEN = {
  isOfThisPlan: true,
  isFresh: true,
  tasks: [{ type: report.type, state: 'running' }],
  group: { total: 1, members: [report.type] },
  unknown: undefined,
  isMine: true,
  mayRead: true,
}

describe.each(['in process', 'over HTTP'] as const)('a handler %s', (home) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServerOfTests()
  }, 60_000)
  afterAll(() => server?.stop(), 60_000)

  it('asks the tracker where its plan stands, and in whose name it works', async () => {
    const tenantId = `tracked-${home.replaceAll(' ', '-').toLowerCase()}`
    const capabilities = ['plan:read', 'plan:run', 'event:*', 'agent:*', 'memory:*', 'task:*']
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one', userId: 'usr-a', capabilities })
    const user = testContext({ tenantId, principalId: 'usr-a' })
    const tenant = aTenantOn(server, { home, agent, user, log: silentLogger })
    const { reporter, seen } = aReporter()
    await tenant.start(reporter)
    const { plans } = tenant.clients.plans
    const { planId } = await plans.create(tenant.user, { body: { title: 'A house' } })
    const specs = [{ type: report.type, responseType: reported.type }]
    await plans.delegate(tenant.user, { params: { planId }, body: { specs, group: true } })
    expect(await seen()).toEqual({ ...SEEN, mayNothing: false })
    await tenant.stop()
  })
})

it('a handler on the test platform asks the same', async () => {
  const platform = await createTestPlatform()
  const { reporter, seen } = aReporter()
  const planner = definePlanner({ name: 'foreman', description: 'Builds.' })
  planner.onGoal(goal, async (given, { plans }) => {
    const plan = await plans.createFromGoal(given)
    plan.delegateParallel([{ event: report, data: {} }] as never)
  })
  await platform.start(reporter, planner)
  await platform.publish(goal, {})
  expect(await seen()).toEqual({ ...SEEN, mayNothing: true })
  await platform.stop()
})
