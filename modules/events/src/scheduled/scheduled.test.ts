import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, createEventsHost, type EventsHost } from '../../testing/index.ts'

let host: EventsHost
const context = anEventsContext()
const publisher = (principalId: string, more: Parameters<typeof anEventsContext>[1] = {}) =>
  anEventsContext('tenant-a', { principalId, capabilities: ['event:publish'], ...more })
const stranger = anEventsContext('tenant-b')

beforeAll(async () => {
  host = await createEventsHost()
  for (const by of [context, stranger]) await host.define(by, 'reminder.due')
}, 60_000)
afterAll(() => host.close())

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()
const schedule = async (id: string, deliverAt: string, by = context, more: object = {}) => {
  const event = { id, type: 'reminder.due', topic: 'business-facts' as const, data: {}, partitionKey: 'one', deliverAt }
  return host.events.events.publish(by, { body: { ...event, ...more } })
}
const scheduled = async (by = context) =>
  (await host.events.scheduled.list(by, { query: {} })).items.map(({ id }) => id)
const takeBack = (eventId: string, by = context, query: { source?: string } = {}) =>
  host.events.scheduled.delete(by, { params: { eventId }, query })
const remindersOf = (ids: readonly string[]) => host.recorded.filter(({ eventId }) => ids.includes(eventId))

describe('scheduled events', () => {
  it('EVT-R11 are stored at once and recorded when due, in due order, also after downtime, and can be listed and taken back until then', async () => {
    expect(await schedule('later', inMs(3_600_000))).not.toHaveProperty('sequence')
    await schedule('taken-back', inMs(1500))
    await schedule('third', inMs(1200))
    await schedule('second', inMs(800))
    await schedule('first', inMs(400))
    expect(await scheduled()).toEqual(['first', 'second', 'third', 'taken-back', 'later'])
    await takeBack('taken-back')
    await host.crash()
    await new Promise((resolve) => setTimeout(resolve, 1600))
    host = await createEventsHost({ database: host.database })
    await host.waitFor(({ eventId }) => eventId === 'third')
    expect(host.recorded.map(({ eventId }) => eventId)).toEqual(['first', 'second', 'third'])
    expect(await scheduled()).toEqual(['later'])
    await expect(takeBack('first')).rejects.toMatchObject({ code: 'conflict' })

    const ids = Array.from({ length: 100 }, (_, index) => `burst-${index}`)
    const due = new Map(ids.map((id, index) => [id, inMs(300 + ((index * 37) % 100) * 5)]))
    await Promise.all(ids.map((id) => schedule(id, due.get(id) as string)))
    await Promise.all(ids.map((id) => host.waitFor(({ eventId }) => eventId === id)))
    const recorded = remindersOf(ids)
    const dueOrder = ids.toSorted((a, b) => (due.get(a) as string).localeCompare(due.get(b) as string))
    expect(recorded.map(({ eventId }) => eventId)).toEqual(dueOrder)
    const lateMs = recorded.map(({ eventId, recordedAt }) => recordedAt.getTime() - Date.parse(due.get(eventId) ?? ''))
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0)
    expect(lateMs.toSorted((a, b) => a - b)[98]).toBeLessThanOrEqual(1000)
    await takeBack('later')
  })

  it('are a page at a time in due order', async () => {
    const ids = ['p0', 'p1', 'p2', 'p3', 'p4']
    const at = Date.now() + 3_600_000
    for (const [index, id] of ids.entries())
      await schedule(id, new Date(at + Math.floor(index / 2)).toISOString(), context)
    const first = await host.events.scheduled.list(context, { query: { limit: 3 } })
    const rest = await host.events.scheduled.list(context, {
      query: { limit: 3, cursor: first.nextCursor as string },
    })
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids)
    expect(rest.nextCursor).toBeNull()
    for (const id of ids) await takeBack(id)
  })

  it('are their author’s, with event:manage everybody’s of the space, and never another tenant’s', async () => {
    const [ann, bob] = [publisher('agt_ann'), publisher('agt_bob')]
    const inSpace = publisher('agt_ann', { spaceId: 'space-1' })
    const manager = (spaceId: string) =>
      anEventsContext('tenant-a', { principalId: 'agt_boss', spaceId, capabilities: ['event:manage'] })
    const at = inMs(3_600_000)
    await schedule('of-ann', at, ann)
    await schedule('of-bob', at, bob)
    await schedule('of-space', at, inSpace)
    expect(await scheduled(ann)).toEqual(['of-ann', 'of-space'])
    expect(await scheduled(bob)).toEqual(['of-bob'])
    expect(await scheduled(manager(''))).toEqual(['of-ann', 'of-bob', 'of-space'])
    expect(await scheduled(manager('space-1'))).toEqual(['of-space'])
    expect(await scheduled(stranger)).toEqual([])
    for (const by of [bob, stranger, manager('space-1')])
      await expect(takeBack('of-ann', by)).rejects.toMatchObject({ code: 'not-found' })
    await expect(scheduled(anEventsContext('tenant-a', { capabilities: ['event:read'] }))).rejects.toMatchObject({
      code: 'forbidden',
    })
    await takeBack('of-ann', ann)
    for (const id of ['of-bob', 'of-space']) await takeBack(id, manager(''))
    await expect(takeBack('of-ann', ann)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('that are due are taken back no more: the relay may have handed them on already', async () => {
    const lease = (owner: string | null) =>
      host.database.transaction({ role: 'soma_bus' }, (session) =>
        session.execute(
          `update runtime.job_leases set owner = $1::uuid, lease_until = now() + interval '1 minute' where name = 'relay'`,
          [owner],
        ),
      )
    await lease('00000000-0000-7000-8000-000000000001')
    await schedule('due', inMs(-1000))
    expect(await scheduled()).toEqual([])
    await expect(takeBack('due')).rejects.toMatchObject({
      code: 'conflict',
      message: 'due is due, so it is being recorded',
    })
    await lease(null)
    await host.waitFor(({ eventId }) => eventId === 'due')
  })

  it('that share an id are told apart by their source, and an id that was taken back stays used', async () => {
    const at = inMs(3_600_000)
    await schedule('twin', at, context, { source: '/one' })
    await schedule('twin', at, context, { source: '/two' })
    await expect(takeBack('twin')).rejects.toMatchObject({ code: 'conflict' })
    await takeBack('twin', context, { source: '/one' })
    expect(await schedule('twin', at, context, { source: '/one' })).toMatchObject({ duplicate: true })
    expect(await scheduled()).toEqual(['twin'])
    await takeBack('twin')
    expect(await scheduled()).toEqual([])
  })
})
