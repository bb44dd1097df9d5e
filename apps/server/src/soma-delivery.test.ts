import { newUuid } from '@soma/kernel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../testing/index.ts'
import { somaPlatform } from './soma-platform.ts'

const LEASE_MS = 1000
let server: TestServer

beforeAll(async () => {
  server = await createTestServer({ ...somaPlatform, authentication: 'identity' })
  for (const type of ['page.print.requested', 'page.printed'])
    await admin('/registry/events', {
      topic: 'business-facts',
      type,
      description: type,
      schema: { jsonSchema: { type: 'object' } },
    })
}, 60_000)
afterAll(() => server?.stop(), 60_000)

/** Calls over HTTP; without a body it reads. */
const caller =
  (headers: Readonly<Record<string, string>>) => async (path: string, body?: object, deliveryId?: string) => {
    const response = await fetch(`${server.url}/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(deliveryId === undefined ? {} : { 'soma-delivery': deliveryId }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }
const as = (userId: string) => caller({ 'x-tenant-id': 'tenant-a', 'x-user-id': userId })
const admin = as('usr-admin')
const anna = as('usr-anna')

/** Under a key of its own. */
async function anAgent(name: string) {
  const roles: { name: string; roleId: string; capabilities: string[] }[] = (await admin('/identity/roles')).body.items
  const role = roles.find((each) => each.name === 'Agent')
  const made = await admin('/identity/principals', { kind: 'agent', displayName: name, roles: [role?.roleId] })
  const { principalId } = made.body
  const key = await admin('/identity/keys', { principalId, name, scopes: role?.capabilities })
  return caller({ authorization: `Bearer ${key.body.secret}` })
}

const print = (n: number) =>
  anna('/events', {
    type: 'page.print.requested',
    topic: 'business-facts',
    sessionId: 'ses-1',
    planId: 'plan-1',
    taskId: `task-${n}`,
    correlationId: `corr-${n}`,
    data: { n },
  })
const printed = { type: 'page.printed', topic: 'business-facts', data: {} }

test('EVT-R32 Soma-Delivery gives calls the user, session, plan and task of the event in hand; it ends with the lease, by an ack or by time', async () => {
  const [agent, stranger] = [await anAgent('printer'), await anAgent('stranger')]
  const { body: subscription } = await agent('/events/subscriptions', {
    name: 'printers',
    topics: ['business-facts'],
    types: ['page.print.requested'],
    leaseMs: LEASE_MS,
  })
  const memberId = newUuid()
  const pull = async () => {
    const { body } = await agent(`/events/subscriptions/${subscription.id}/pull`, { memberId, max: 1, waitMs: 10_000 })
    return body.deliveries[0] as { deliveryId: string; attempt: number; event: { id: string } }
  }
  await print(1)
  const first = await pull()
  const emitted = await agent('/events', printed, first.deliveryId)
  expect(emitted.status).toBe(201)
  const { eventId } = emitted.body
  expect((await admin(`/events/${eventId}`)).body).toMatchObject({
    userid: 'usr-anna',
    sessionid: 'ses-1',
    planid: 'plan-1',
    taskid: 'task-1',
    causationid: first.event.id,
    correlationid: 'corr-1',
  })
  expect((await stranger('/events', printed, first.deliveryId)).status).toBe(404)
  await agent(`/events/subscriptions/${subscription.id}/settle`, {
    memberId,
    acks: [{ deliveryId: first.deliveryId, attempt: first.attempt }],
  })
  expect((await agent('/events', printed, first.deliveryId)).status).toBe(404)

  await print(2)
  const second = await pull()
  expect((await agent('/events', printed, second.deliveryId)).status).toBe(201)
  await expect
    .poll(async () => (await agent('/events', printed, second.deliveryId)).status, { timeout: 10_000 })
    .toBe(404)
})
