import { newUuid, uuidOf } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'
import { acknowledge } from './store.ts'

let host: EventsHost
const context = anEventsContext()

beforeAll(async () => {
  host = await createEventsHost()
  await host.define(context, 'job.asked')
}, 60_000)
afterAll(() => host.close())

describe('acks of several members in one statement', () => {
  it('count where member and attempt are those of the lease, and once', async () => {
    const { id } = await host.events.subscriptions.create(context, {
      body: { name: 'batch', topics: ['business-facts'] },
    })
    const member = await aMember(host, context, id)
    await host.events.events.publish(context, { body: { type: 'job.asked', topic: 'business-facts', data: {} } })
    const { deliveryId: wireId, attempt } = await member.delivery()
    const deliveryId = uuidOf('dlv', wireId)
    const { memberId } = member
    const lost = await host.database.transaction({ role: 'soma_bus' }, (session) =>
      acknowledge(session, [
        { deliveryId, memberId: newUuid(), attempt },
        { deliveryId, memberId, attempt: attempt + 1 },
        { deliveryId, memberId, attempt },
        { deliveryId, memberId, attempt },
        { deliveryId: newUuid(), memberId, attempt },
      ]),
    )
    expect(lost.toSorted((left, right) => left - right)).toEqual([1, 2, 4, 5])
    await member.leave()
  })
})
