import { silentLogger } from '@soma/kernel'
import { memoryContract } from '@soma/memory/contract'
import { type TestServer, testContext } from '@soma/server/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createMemoryServer } from '../testing/memory-server.ts'
import { aTenantOn, type Home } from '../testing/on-server.ts'
import { createTestPlatform } from '../testing/test-platform.ts'
import { startServerOfTests } from '../testing/server-of-tests.ts'
import type { WorkingMemory } from './context/working-memory.ts'
import { defineEvent, definePlanner, defineWorker, spec } from './index.ts'

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

const event = (name: string) =>
  defineEvent({
    ...{ type: `${name}.requested`, topic: 'action-requests', description: `Asks for ${name}.`, data: z.json() },
    response: defineEvent({
      ...{ type: `${name}.completed`, topic: 'action-results', description: `Done with ${name}.`, data: z.json() },
    }),
  })
const noting = event('note')
const counting = event('count')
const adding = event('add')

function aTenant(home: Home) {
  const tenantId = `memory-${++tenants}`
  const place = home === 'in memory' ? createMemoryServer() : server
  const agent = testContext({ tenantId, kind: 'agent', principalId: 'agt-one' })
  const tenant = aTenantOn(place, { home, agent, user: testContext({ tenantId }), log: silentLogger })
  open.push(tenant)
  if (home === 'in memory') open.push(place as { stop: () => Promise<void> } & typeof place)
  const memory = place.client(memoryContract)
  const ask = async (data: unknown, correlationId: string) => {
    await tenant.request('note', data, correlationId)
    return (await tenant.reply('note.completed', correlationId)).data
  }
  return { ...tenant, ask, memory }
}

describe.each(['in process', 'over HTTP', 'in memory'] as const)('memory of agents %s', (home) => {
  it('keeps facts and episodes, replaces what a slot held, and erases', async () => {
    const tenant = aTenant(home)
    const worker = defineWorker({ name: 'noter', description: 'Notes.' })
    worker.onTask(noting, async (task, { memory }) => {
      const { say, about } = task.data as { say?: string; about?: string }
      if (say !== undefined) {
        const [fact, episode] = await memory.remember(
          { content: say, subject: 'user', predicate: 'home' },
          { kind: 'episode', role: 'user', content: `They said: ${say}` },
        )
        await memory.link(fact?.id as string, 'derived-from', episode?.id as string)
        const known = await memory.get(episode?.id as string)
        task.complete({ outcome: fact?.outcome, agent: known?.kind === 'episode' ? known.agentId : null } as never)
      } else if (about !== undefined) {
        const { hits } = await memory.recall(about, { kinds: ['fact'] })
        task.complete(hits.map(({ item }) => item.content) as never)
      } else {
        const { hits } = await memory.recall('home city lives')
        const erased = await memory.forget(...hits.map(({ item }) => item.id))
        const gone = await Promise.all(hits.map(({ item }) => memory.get(item.id)))
        task.complete({ erased, gone: gone.every((item) => item === undefined) } as never)
      }
    })
    await tenant.start(worker)
    expect(await tenant.ask({ say: 'Anna lives in the city of Lisbon' }, 'corr-1')).toEqual({
      outcome: 'stored',
      agent: 'noter',
    })
    expect(await tenant.ask({ say: 'Anna lives in the city of Ghent' }, 'corr-3')).toMatchObject({
      outcome: 'replaced',
    })
    expect(await tenant.ask({ about: 'who lives in the city' }, 'corr-4')).toEqual(['Anna lives in the city of Ghent'])
    expect(await tenant.ask({}, 'corr-5')).toMatchObject({ gone: true })
    expect(await tenant.ask({ about: 'who lives in the city' }, 'corr-6')).toEqual([])
  })

  it('retrieves passages within a budget, and builds a context of what is known', async () => {
    const tenant = aTenant(home)
    const worker = defineWorker({ name: 'noter', description: 'Notes.' })
    worker.onTask(noting, async (task, { memory }) => {
      await memory.remember({ content: 'Anna lives in Lisbon' }, { content: 'Bert lives in Ghent' })
      const { passages, answerable } = await memory.retrieve('who lives in Lisbon', { limit: 1, budgetTokens: 64 })
      const context = await memory.context({ budgetTokens: 500, query: 'Lisbon' })
      const isCited = context.citations.some(({ itemId }) => itemId === passages[0]?.itemIds[0])
      task.complete([
        passages.map(({ n, text }) => [n, text]),
        answerable,
        isCited,
        context.text.includes('Anna'),
      ] as never)
    })
    await tenant.start(worker)
    expect(await tenant.ask({}, 'corr-1')).toEqual([[[1, 'Anna lives in Lisbon']], true, true, true])
  })

  it('drafts a procedure, uses it once somebody activated it, and tells what came of it', async () => {
    const tenant = aTenant(home)
    const worker = defineWorker({ name: 'noter', description: 'Notes.' })
    worker.onTask(noting, async (task, { memory }) => {
      const trigger = 'a customer wants money back'
      const name = { kind: 'procedure', name: 'refunds', type: 'skill' } as const
      await memory.remember({ ...name, trigger, content: 'Ask for the receipt.' })
      const found = await memory.select('they want their money back', { limit: 1 })
      await memory.feedback('useful', ...found.map(({ procedure }) => procedure.id))
      task.complete(found.map(({ procedure }) => procedure.content) as never)
    })
    await tenant.start(worker)
    expect(await tenant.ask({}, 'corr-1')).toEqual([])
    const [draft] = (await tenant.memory.procedures.list(tenant.user, { query: {} })).items
    expect(draft).toMatchObject({ agentId: 'noter', status: 'draft', version: 1 })
    const params = { procedureId: draft?.id as string }
    await tenant.memory.procedures.activate(tenant.user, { params })
    expect(await tenant.ask({}, 'corr-2')).toEqual(['Ask for the receipt.'])
    expect(await tenant.memory.procedures.get(tenant.user, { params })).toMatchObject({ uses: 1, wins: 1, version: 1 })
  })

  it('shares the values of a plan in single steps, until it ends', async () => {
    const tenant = aTenant(home)
    let ended: WorkingMemory | undefined
    const worker = defineWorker({ name: 'adder', description: 'Adds.' })
    worker.onTask(adding, async (task, { memory }) => {
      const sum = await memory.working.increment('sum', task.data as number)
      await memory.working.append('seen', task.data as number)
      task.complete(sum)
    })
    const planner = definePlanner({ name: 'counter', description: 'Counts.' })
    planner.onGoal(counting, async (goal, { plans }) => {
      const plan = await plans.createFromGoal(goal)
      await plan.shared.set('sum', 0)
      plan.delegateParallel([1, 2, 3, 4, 5].map((part) => spec(adding, part)))
    })
    planner.onResult(adding.response, async (result, { shared }) => {
      if (result.group?.done !== true) return
      const plan = await result.restorePlan()
      if (plan === undefined) throw new Error('the plan is gone')
      const values = shared(plan.planId)
      const entry = await values.entry('sum')
      const first = await values.updateIf('sum', entry?.version as number, 100)
      const second = await values.updateIf('sum', entry?.version as number, 200)
      await values.merge('notes', { a: 1, b: { c: 2 } })
      const notes = await values.merge('notes', { a: null, b: { d: 3 } })
      const seen = (await values.get<number[]>('seen'))?.toSorted()
      const left = await values.remove('seen', 3)
      await values.delete('gone')
      const [has, absent] = [await values.has('notes'), await values.get('gone')]
      const lists = { seen, left: left.length, keys: await values.keys('s'), notes }
      plan.finalize({ sum: entry?.value, writes: [first, second, has, absent === undefined], ...lists })
      ended = values
    })
    await tenant.start(worker)
    await tenant.start(planner)
    await tenant.request('count', {}, 'corr-count')
    const reply = await tenant.reply('count.completed', 'corr-count')
    expect(reply.data).toEqual({
      ...{ sum: 15, writes: [true, false, true, true], seen: [1, 2, 3, 4, 5], left: 4, keys: ['seen', 'sum'] },
      notes: { b: { c: 2, d: 3 } },
    })
    await expect(ended?.set('late', 1)).rejects.toMatchObject({ code: 'memory-scope-closed' })
  })
})

describe.each(['in process', 'over HTTP', 'in memory'] as const)('memory of agents that try again %s', (home) => {
  it('counts once what a repeated handler does', async () => {
    const tenant = aTenant(home)
    const worker = defineWorker({ name: 'noter', description: 'Notes.' })
    let runs = 0
    worker.onTask(noting, async (task, { memory }) => {
      await memory.working.increment('runs', 10)
      await memory.remember({ kind: 'episode', role: 'event', content: 'The handler ran.' }, { content: 'It ran.' })
      runs += 1
      if (runs === 1) throw new Error('a fault after the writes')
      const { hits } = await memory.recall('ran')
      task.complete([(await memory.working.get('runs')) ?? null, hits.length] as never)
    })
    await tenant.start(worker)
    expect(await tenant.ask({}, 'corr-1')).toEqual([10, 2])
    expect(runs).toBe(2)
  })
})

it('the test platform keeps users apart', async () => {
  const platform = await createTestPlatform()
  open.push(platform)
  const worker = defineWorker({ name: 'noter', description: 'Notes.' })
  worker.onTask(noting, async (task, { memory }) => {
    await memory.remember({ content: `secret of ${task.userId}` })
    await memory.working.set('secret', `${task.userId}`)
    const { hits } = await memory.recall('secret')
    task.complete([hits.map(({ excerpt }) => excerpt), await memory.working.keys()] as never)
  })
  await platform.start(worker)
  for (const userId of ['usr-a', 'usr-b']) await platform.publish(noting, {}, { userId })
  await platform.settle()
  expect(platform.published('note.completed').map(({ data }) => data)).toEqual([
    [['secret of usr-a'], ['secret']],
    [['secret of usr-b'], ['secret']],
  ])
})
