import { aPushTarget, type PushTarget } from '@soma/events/testing'
import { silentLogger } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { createClients } from '@soma/sdk/clients'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../homes/home.ts'

let server: RunningServer
let target: PushTarget
let url: string

/** Users who are seen for the first time are made, with every right. */
const as = (userId: string) => createClients({ url, auth: { headers: { 'x-user-id': userId } } })
const admin = () => as('usr-admin')

beforeAll(async () => {
  const [port = 0] = await freePorts(1)
  url = `http://127.0.0.1:${port}`
  const flags = { mode: 'developer-light', 'server.port': port, 'server.dataDirectory': 'memory' }
  server = await startServer({ platform: somaPlatform, log: silentLogger, sources: { flags } })
  target = await aPushTarget({ answers: 200 })
  await admin().registry.events.create({
    body: {
      type: 'order.placed',
      topic: 'business-facts',
      description: 'x',
      schema: { jsonSchema: { type: 'object' } },
    },
  })
}, 60_000)
afterAll(async () => {
  await server?.stop()
  await target?.close()
})

const publish = async (owner: string) => {
  const body = { type: 'order.placed', topic: 'business-facts', subject: owner, data: {} }
  return (await admin().events.events.publish({ body })).eventId
}
const bindingsOf = async (principalId: string) =>
  (await admin().identity.roleBindings.list({ query: {} })).items.filter((each) => each.principalId === principalId)

test.each([
  {
    how: 'loses the right to subscribe',
    owner: 'usr-roleless',
    end: async (owner: string) => {
      for (const { bindingId } of await bindingsOf(owner))
        await admin().identity.roleBindings.delete({ params: { bindingId } })
    },
    giveBack: (owner: string) =>
      admin().identity.roleBindings.create({ body: { principalId: owner, roleId: 'AgentAdmin' } }),
  },
  {
    how: 'is disabled',
    owner: 'usr-disabled',
    end: (owner: string) => admin().identity.principals.disable({ params: { principalId: owner }, body: {} }),
    giveBack: (owner: string) => admin().identity.principals.enable({ params: { principalId: owner }, body: {} }),
  },
])(
  'EVT-R66 nothing more is pushed for an owner who $how and what waited comes when that is undone and somebody resumes',
  async (by) => {
    const { id } = await as(by.owner).events.subscriptions.create({
      body: { name: by.owner, topics: ['business-facts'], filter: { subject: by.owner }, push: { url: target.url } },
    })
    const first = await publish(by.owner)
    const pushed = () => target.received.map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id)
    await until(() => pushed().includes(first))
    await by.end(by.owner)
    const waits = await publish(by.owner)
    const subscription = () => admin().events.subscriptions.get({ params: { subscriptionId: id } })
    await until(async () => (await subscription()).state === 'suspended')
    expect(pushed()).not.toContain(waits)
    await by.giveBack(by.owner)
    await admin().events.subscriptions.resume({ params: { subscriptionId: id }, body: {} })
    await until(() => pushed().includes(waits))
    const delivered = target.received.find(({ body }) => body.toString().includes(waits))
    expect(delivered?.headers['soma-attempt']).toBe('1')
  },
  30_000,
)
