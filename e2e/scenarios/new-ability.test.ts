import { newUuid } from '@soma/kernel'
import { defineEvent, defineWorker } from '@soma/sdk'
import { type Clients, createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { HOMES, type Home, openHome } from '../homes/home.ts'

const translated = defineEvent({
  type: 'translation.completed',
  topic: 'action-results',
  description: 'A translated text.',
  data: z.strictObject({ text: z.string() }),
})
const translate = defineEvent({
  type: 'translation.requested',
  topic: 'action-requests',
  description: 'Translates a text into German.',
  data: z.strictObject({ text: z.string() }),
  response: translated,
})
const GOAL = 'translate this text'

/** Knows no event: it finds the one that gets it to its goal, and what that needs, when it has the goal. */
function createPlanner({ registry, events }: Clients) {
  return {
    reach: async (goal: string, given: Readonly<Record<string, string>>) => {
      const { items } = await registry.discovery.search({ body: { query: goal } })
      const found = items.find((item) => item.kind === 'event' && item.reply !== undefined)
      if (found?.kind !== 'event' || found.reply === undefined) return { reached: false as const }
      const data = Object.fromEntries(found.requiredFields.map((field) => [field, given[field] ?? '']))
      const { type, topic, reply } = found
      const answer = await events.events.request({ body: { type, topic, data, responseType: reply.type } })
      return { reached: true as const, data: answer.data }
    },
  }
}

describe.each(HOMES)('%s', (name) => {
  let home: Home
  let clients: Clients
  const settings = {
    mode: 'developer-light',
    'registry.leaseMs': 4000,
    'registry.heartbeatMs': 500,
    'registry.sweepMs': 100,
  }
  beforeAll(async () => {
    home = await openHome(name, { settings })
    clients = createClients({ url: home.url })
  }, 60_000)
  afterAll(() => home.stop(), 120_000)

  test('REG-R25 the same planner fails at a goal, reaches it within 2 s of a worker’s start, and not once that has ended or its lease has', async () => {
    const planner = createPlanner(clients)
    const reach = () => planner.reach(GOAL, { text: 'Hello' })
    expect(await reach()).toEqual({ reached: false })

    const worker = defineWorker({ name: 'translator', description: 'Translates.' })
    worker.onTask(translate, (task) => task.complete({ text: task.data.text === 'Hello' ? 'Hallo' : '?' }))
    await worker.start({ url: home.url })
    const startedAt = performance.now()
    const found = await clients.registry.discovery.search({ body: { query: GOAL } })
    expect(found.items).toMatchObject([{ type: translate.type, consumers: ['translator'] }])
    expect(performance.now() - startedAt).toBeLessThan(2000)
    expect(await reach()).toEqual({ reached: true, data: { text: 'Hallo' } })
    await worker.stop()
    expect(await reach()).toEqual({ reached: false })

    const { topic, type } = translate
    const register = (range: string) =>
      clients.registry.instances.register({
        params: { name: 'silent', instanceId: newUuid() },
        body: { kind: 'worker', description: 'Dies.', agentVersion: '1.0.0', consumes: [{ topic, type, range }] },
      })
    const actionable = async () =>
      (await clients.registry.discovery.search({ body: { query: GOAL } })).items.map((item) => item.name)
    await register('^2')
    expect(await actionable()).toEqual([])
    const { instance } = await register('^1')
    expect(await actionable()).toEqual([type])
    const ended = clients.events.events.stream({
      query: { topics: 'system-events', types: 'agent.expired', from: 'earliest' },
    })
    for await (const { data } of await ended) if ((data as { data?: { name?: string } }).data?.name === 'silent') break
    expect(Date.parse(instance.expiresAt)).toBeLessThanOrEqual(Date.now())
    expect(await actionable()).toEqual([])
  }, 60_000)
})
