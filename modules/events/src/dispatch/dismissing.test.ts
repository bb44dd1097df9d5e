import { newUuid, toId } from '@soma/kernel'
import { principalDisabled, principalErased } from '@soma/identity/contract'
import { agentInstanceStopped } from '@soma/registry/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost, type TestMember } from '../../testing/index.ts'

const context = anEventsContext()
const revoked = anEventsContext('tenant-a', { principalId: 'agt_revoked' })
/** Two processes on one database; the first dispatches. */
let host: EventsHost
let other: EventsHost

beforeAll(async () => {
  host = await createEventsHost({ isShared: true })
  other = await createEventsHost({ database: host.database, isSecondProcess: true })
  await host.define(context, 'job.asked')
}, 60_000)
afterAll(async () => {
  await other.drain()
  await host.close()
})

let count = 0
const subscribe = async () =>
  (
    await host.events.subscriptions.create(context, {
      body: { name: `dismissing-${++count}`, topics: ['business-facts'], types: ['job.asked'], leaseMs: 3_600_000 },
    })
  ).id
const ask = (n: number) =>
  host.events.events.publish(context, {
    body: { type: 'job.asked', topic: 'business-facts', partitionKey: `key-${n}`, data: { n } },
  })
const lost = async (member: TestMember, deliveryId: string, reason: string) => {
  expect(await member.next()).toMatchObject({ event: 'lease-lost', data: { deliveryId, reason } })
  expect(await member.next()).toMatchObject({ event: 'closed' })
}
const principalFact = { principalId: 'agt_revoked', byId: 'usr_admin', kind: 'agent', epoch: 2, changed: ['status'] }

describe('EVT-R30 leases end at once with the right to them', () => {
  it.each([
    { how: 'disabled', fact: principalDisabled, where: 'at the process that dispatches' },
    { how: 'erased', fact: principalErased, where: 'at the process that dispatches' },
    { how: 'disabled', fact: principalDisabled, where: 'at another process' },
  ])('of a principal that is $how, $where', async ({ fact, where }) => {
    const id = await subscribe()
    const heir = await aMember(host, context, id, { credits: 1 })
    await heir.settle({ credits: 0 })
    const at = where === 'at another process' ? other : host
    const member = await aMember(at, revoked, id, { credits: 1 })
    await ask(1)
    const { deliveryId } = await member.delivery()
    await host.say({ ...context, tenantId: 'tenant-b' }, 'identity', fact, principalFact)
    await ask(2)
    await heir.settle({ credits: 2 })
    const kept = await heir.delivery()
    expect(kept.event.data).toEqual({ n: 2 })
    await host.say(context, 'identity', fact, principalFact)
    await lost(member, deliveryId, 'revoked')
    expect(await heir.delivery()).toMatchObject({ deliveryId, attempt: 2, event: { data: { n: 1 } } })
    await heir.leave()
  })

  it('of a principal that pulls: what it waits for is answered with nothing', async () => {
    const id = await subscribe()
    const pull = (by: typeof context, waitMs: number) =>
      host.events.deliveries.pull(by, {
        params: { subscriptionId: id },
        body: { memberId: newUuid(), max: 1, waitMs },
      })
    const pulls = [pull(revoked, 20_000), pull(revoked, 20_000)]
    await ask(1)
    const [first] = (await Promise.race(pulls)).deliveries
    await host.say(context, 'identity', principalDisabled, principalFact)
    expect((await Promise.all(pulls)).flatMap(({ deliveries }) => deliveries)).toEqual([first])
    const [again] = (await pull(context, 5000)).deliveries
    expect(again).toMatchObject({ deliveryId: first?.deliveryId, attempt: 2 })
  })

  it.each(['at the process that dispatches', 'at another process'])(
    'REG-R4 of an agent’s process that expired, and of no other of the same agent (%s)',
    async (where) => {
      const id = await subscribe()
      const at = where === 'at another process' ? other : host
      const [instanceId, sibling] = [newUuid(), newUuid()]
      const stays = await aMember(host, context, id, { credits: 1, agentInstanceId: sibling })
      await ask(1)
      await stays.delivery()
      const member = await aMember(at, context, id, { credits: 1, agentInstanceId: instanceId })
      await ask(2)
      const { deliveryId } = await member.delivery()
      await host.say(context, 'registry', agentInstanceStopped, {
        agentId: toId('reg', newUuid()),
        name: 'printer',
        instanceId,
        agentVersion: '1.0.0',
        reason: 'expired',
      })
      await lost(member, deliveryId, 'expired')
      await stays.settle({ credits: 2 })
      expect(await stays.delivery()).toMatchObject({ deliveryId, attempt: 2 })
      await stays.leave()
    },
  )
})
