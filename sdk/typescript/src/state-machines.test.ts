import { EventEmitter, once } from 'node:events'
import { silentLogger } from '@soma/kernel'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { aTenantOn, until } from '../testing/on-server.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import { defineEvent, definePlanner, defineWorker, type StateInput } from './index.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServerOfTests()
}, 60_000)
afterAll(() => server?.stop(), 60_000)

const result = (type: string, data: z.ZodType) =>
  defineEvent({ type, topic: 'action-results', description: `Says ${type}.`, data })
const request = (type: string, data: z.ZodType, response: ReturnType<typeof result>) =>
  defineEvent({ type, topic: 'action-requests', description: `Asks for ${type}.`, data, response })

const searchRequested = request(
  'search.requested',
  z.object({ query: z.string() }),
  result('search.completed', z.object({ count: z.number() })),
)
const summaryRequested = request(
  'summary.requested',
  z.object({ count: z.number() }),
  result('summary.completed', z.object({ text: z.string() })),
)
const reportRequested = request(
  'report.requested',
  z.object({ query: z.string() }),
  result('report.completed', z.object({ text: z.string() })),
)

/** Searches, sums up what was found, and gives up where nothing was or the search takes two seconds. */
const states = (query = '{{goal.data.query}}'): Record<string, StateInput> => ({
  begin: { defaultNext: 'searching' },
  searching: {
    action: { event: searchRequested, data: { query } },
    transitions: [
      { on: searchRequested.response, to: 'summing', when: 'results.search.completed.count > 0' },
      { on: searchRequested.response, to: 'nothing' },
    ],
    timeoutMs: 2_000,
    onTimeout: 'tired',
  },
  summing: {
    action: { event: summaryRequested, data: { count: '{{results.search.completed.count}}' } },
    transitions: [{ on: summaryRequested.response, to: 'done' }],
  },
  done: { terminal: true },
  nothing: { terminal: true },
  tired: { terminal: 'failed' },
})

function aReporter(heard: string[]) {
  const planner = definePlanner({ name: 'reporter', description: 'Reports.', stateMachine: states() })
  planner.onGoal(reportRequested, async (goal, context) => {
    const plan = await context.plans.createFromGoal(goal)
    plan.executeNext()
  })
  planner.onTransition((transition, plan) => {
    heard.push(transition.nextState)
    plan.executeNext(transition)
    if (plan.isComplete()) plan.finalize({ text: JSON.stringify(transition.data) })
  })
  return planner
}

/** Finds as many as the query has letters; `slow` is searched until it is told. */
function aLibrary() {
  const told = new EventEmitter()
  const isTold = once(told, 'go')
  const worker = defineWorker({ name: 'library', description: 'Searches and sums up.' })
  worker.onTask(searchRequested, async (task) => {
    const { query } = task.data as { query: string }
    if (query === 'slow') await isTold
    task.complete({ count: query.length })
  })
  worker.onTask(summaryRequested, (task) => task.complete({ text: `${(task.data as { count: number }).count} found` }))
  return { worker, answer: () => told.emit('go') }
}

describe.each(['in process', 'over HTTP'] as const)('a state machine %s', (home) => {
  it('SDK-A5 takes each branch as it is written; a state that lasts too long is left, and its late reply changes nothing', async () => {
    const tenantId = `machines-${home.replaceAll(' ', '-').toLowerCase()}`
    const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one' })
    const user = testContext({ tenantId })
    const tenant = aTenantOn(server, { home, agent, user, log: silentLogger })
    const heard: string[] = []
    const { worker, answer } = aLibrary()
    await tenant.start(worker)
    await tenant.start(aReporter(heard))
    const report = async (query: string) => {
      await tenant.request('report', { query }, `corr-${query}`)
      const { outcome, data } = await tenant.reply('report.completed', `corr-${query}`)
      const { items } = await tenant.clients.plans.plans.list(user, { query: {} })
      const planId = items.find((one) => JSON.stringify(one.goal?.data) === JSON.stringify({ query }))?.planId ?? ''
      return { outcome, data, plan: await planOf(planId) }
    }
    const planOf = (planId: string) => tenant.clients.plans.plans.get(user, { params: { planId } })
    expect(await report('owls')).toMatchObject({ data: { text: '{"text":"4 found"}' }, plan: { currentState: 'done' } })
    expect(await report('')).toMatchObject({ data: { text: '{"count":0}' }, plan: { currentState: 'nothing' } })
    const { outcome, plan } = await report('slow')
    expect({ outcome, plan }).toMatchObject({ outcome: 'failed', plan: { status: 'failed', currentState: 'tired' } })
    answer()
    const { planId } = plan
    const { items } = await tenant.clients.plans.tasks.list(user, { query: { planId } })
    const slow = items.find(({ type }) => type === searchRequested.type)
    // The worker was told that nobody waits, and says nothing; one that cannot be told answers late. The journal alone keeps it.
    await tenant.clients.events.events.publish(user, {
      body: {
        ...{ type: 'search.completed', topic: 'action-results', data: { count: 4 } },
        ...{ planId, correlationId: slow?.taskId ?? '' },
      },
    })
    const after = await until(async () => {
      const now = await planOf(plan.planId)
      return now.journal.seq > plan.journal.seq ? now : undefined
    })
    expect(after).toEqual({ ...plan, journal: after.journal })
    expect(heard).toEqual(['summing', 'done', 'nothing'])
    await tenant.stop()
  })
})

it('SDK-A5 a template that is misspelt is refused when the planner is defined', () => {
  const stateMachine = states('{{goal.dta.query}}')
  expect(() => definePlanner({ name: 'reporter', description: 'Reports.', stateMachine })).toThrow('goal.dta.query')
})
