import { expect, it, vi } from 'vitest'
import { aMember, anEventsContext, createEventsHost } from '../../testing/index.ts'
import { WINDOW_EVENTS } from './group.ts'

const topic = 'business-facts'
const alice = anEventsContext()
const bob = anEventsContext('tenant-b')

it('a group that has enough in memory reads nothing when others publish, and reads on when what it has is handed out', async () => {
  const host = await createEventsHost({ partitions: 1 })
  for (const by of [alice, bob]) await host.define(by, 'step.done')
  const publish = (by: typeof alice, count: number) => {
    const events = Array.from({ length: count }, () => ({ type: 'step.done', topic, data: {} }))
    return host.events.events.publishBatch(by, { body: { events } })
  }
  const { id } = await host.events.subscriptions.create(alice, { body: { name: 'slow', topics: [topic] } })
  const slow = await aMember(host, alice, id, { credits: 1 })
  for (let total = 0; total < WINDOW_EVENTS + 500; total += 500) await publish(alice, 500)
  for (let n = 0; n < 5; n++) await slow.ack(await slow.delivery())
  const inHand = await slow.delivery()

  const read = vi.spyOn(host.reader, 'read')
  for (let n = 0; n < 20; n++) await publish(bob, 1)
  expect(read).not.toHaveBeenCalled()

  const others = await Promise.all([1, 2, 3, 4].map(() => aMember(host, alice, id, { credits: 1000 })))
  const taken = new Set([inHand.event.id])
  for (const member of others)
    void (async () => {
      for (;;) taken.add((await member.delivery()).event.id)
    })().catch(() => undefined)
  await vi.waitFor(() => expect(taken.size).toBe(WINDOW_EVENTS), 20_000)
  expect(read).toHaveBeenCalled()
  for (const each of [slow, ...others]) await each.leave()
  await host.close()
}, 60_000)
