import { expect, it } from 'vitest'
import { aMember, anEventsContext, createEventsHost } from '../../testing/index.ts'

const context = anEventsContext()
const KEYS = 50
/** More than the window of a group holds: what waits behind its keys is parked, its records are let go and read again. */
const BATCHES = 9
const OF_A_BATCH = 500

it('a backlog of few keys that memory does not hold comes whole and in order', async () => {
  const host = await createEventsHost()
  await host.define(context, 'job.asked')
  const { id } = await host.events.subscriptions.create(context, {
    body: { name: 'backlog', topics: ['business-facts'] },
  })
  for (let batch = 0; batch < BATCHES; batch++)
    await host.events.events.publishBatch(context, {
      body: {
        events: Array.from({ length: OF_A_BATCH }, (_, index) => ({
          type: 'job.asked',
          topic: 'business-facts' as const,
          partitionKey: `key-${index % KEYS}`,
          data: { n: batch * OF_A_BATCH + index },
        })),
      },
    })
  const member = await aMember(host, context, id, { credits: KEYS })
  const received = new Map<unknown, number[]>()
  for (let count = 0; count < BATCHES * OF_A_BATCH; ) {
    const deliveries = [await member.delivery()]
    while (deliveries.length < Math.min(KEYS, BATCHES * OF_A_BATCH - count)) deliveries.push(await member.delivery())
    for (const { event } of deliveries) {
      const key = event['partitionkey']
      received.set(key, [...(received.get(key) ?? []), (event.data as { n: number }).n])
    }
    count += deliveries.length
    await member.settle({ acks: deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt })) })
  }
  const all = [...received.values()]
  expect(all.flat().toSorted((left, right) => left - right)).toEqual(
    Array.from({ length: BATCHES * OF_A_BATCH }, (_, n) => n),
  )
  for (const ofKey of all) expect(ofKey).toEqual(ofKey.toSorted((left, right) => left - right))
  await host.close()
}, 20_000)
