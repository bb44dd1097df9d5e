import { randomBytes } from 'node:crypto'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type AppendRecord, type Database, LOG_START, silentLogger } from '@soma/kernel'
import { createMemoryLog, type MemoryLog } from '@soma/kernel/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readMigrations } from '../../database/migrations.ts'
import { spineMigrations } from '../event-spine.ts'
import { createSealedBus } from './sealed-bus.ts'
import { createSealingKeys } from './sealing-keys.ts'

const encryptionKey = randomBytes(32)
let database: Database
let raw: MemoryLog
beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await database.migrate(await readMigrations('runtime', spineMigrations))
}, 60_000)
afterAll(() => database.close())
beforeEach(() => {
  raw = createMemoryLog(4)
})

const openBus = (seals = true, key: Uint8Array = encryptionKey) => {
  const keys = createSealingKeys(database, key)
  return { keys, bus: createSealedBus({ bus: raw, keys, seals }) }
}
const aRecord = (content: object, { eventId = 'evt-1', userId = 'usr_1' as string | null } = {}): AppendRecord => ({
  topic: 'memory',
  part: 0,
  tenantId: 'tenant-a',
  eventId,
  type: 'thing.done',
  key: 'k',
  userId,
  envelope: JSON.stringify({ id: eventId, planid: 'plan_1', ...content, userid: userId ?? undefined }),
})
const everything = { topic: 'memory', part: 0, after: LOG_START, limit: 100 }
const textsOf = async (bus: Pick<MemoryLog, 'read'>) => (await bus.read(everything)).map(({ envelope }) => envelope)
const destroy = (userId: string) =>
  database.transaction({ role: 'soma_bus' }, (session) =>
    session.execute('update events.sealing_keys set sealed = null where user_id = $1', [userId]),
  )

describe('a log outside the database', () => {
  it('gets the same bytes when an append is repeated, and others for another event', async () => {
    const { bus } = openBus()
    const content = { data: { name: 'Ada' } }
    await bus.append([aRecord(content), aRecord(content, { eventId: 'evt-2' })])
    await openBus().bus.append([aRecord(content)])
    const [first, other, again] = (await textsOf(raw)).map((text) => (JSON.parse(text) as { data: string }).data)
    expect(again).toBe(first)
    expect(other?.split(':').at(-1)).not.toBe(first?.split(':').at(-1))
  })

  it.each([
    ['JSON', { datacontenttype: 'application/json', data: { name: 'Ada', list: [1, null, 'ü'], 7: true } }],
    ['bytes', { datacontenttype: 'image/png', data_base64: 'QWRhIExvdmVsYWNl' }],
    ['text that looks sealed', { data: 'soma-sealed:0190a1b2-c3d4-4e5f-8a9b-0c1d2e3f4a5b:QWRh' }],
    ['nothing', {}],
  ])(
    'holds %s unreadable, with all other attributes in sight, and gives it back byte by byte',
    async (_what, content) => {
      const { bus } = openBus()
      const record = aRecord({ ...content, correlationid: 'c' })
      await bus.append([record])
      const [stored = ''] = await textsOf(raw)
      expect(JSON.parse(stored)).toMatchObject({ id: 'evt-1', planid: 'plan_1', correlationid: 'c', userid: 'usr_1' })
      for (const secret of ['Ada', 'QWRhIExv', '"QWRh']) expect(stored).not.toContain(secret)
      expect(await textsOf(bus)).toEqual([record.envelope])
      expect(await textsOf(openBus().bus)).toEqual([record.envelope])
    },
  )

  it('uses one key a tenant and user, however many processes begin at once', async () => {
    const records = Array.from({ length: 40 }, (_, n) =>
      aRecord({ data: n }, { eventId: `evt-${n}`, userId: n % 2 === 0 ? null : 'usr_shared' }),
    )
    await Promise.all([openBus(), openBus(), openBus()].map(({ bus }) => bus.append(records)))
    const keyIds = (await textsOf(raw)).map((text) => (JSON.parse(text) as { data: string }).data.split(':')[1])
    expect(new Set(keyIds).size).toBe(2)
    expect(new Set(await textsOf(openBus().bus)).size).toBe(40)
  })

  it('reads as erased where the key was destroyed, at once where it is forgotten; the other users stay', async () => {
    const { bus, keys } = openBus()
    const gone = aRecord({ data: { name: 'Ada' } }, { userId: 'usr_gone' })
    const kept = aRecord({ data: { name: 'Bob' } }, { userId: 'usr_kept' })
    await bus.append([gone, kept])
    await textsOf(bus)
    await destroy('usr_gone')
    keys.forget({ tenantId: 'tenant-a', userId: 'usr_gone' })
    const erased = gone.envelope.replace('{"name":"Ada"}', '{"erased":true}')
    expect(await textsOf(bus)).toEqual([erased, kept.envelope])
    expect(await textsOf(openBus().bus)).toEqual([erased, kept.envelope])
  })

  it('does not remember a key that was destroyed while it was read', async () => {
    const { bus, keys } = openBus()
    await bus.append([aRecord({ data: 'Ada' }, { userId: 'usr_race' })])
    const [{ envelope } = { envelope: '' }] = await raw.read(everything)
    const keyId = (JSON.parse(envelope) as { data: string }).data.split(':')[1] as string
    keys.forget({ tenantId: 'tenant-a', userId: 'usr_race' })
    const reading = keys.byId([keyId])
    keys.forget({ tenantId: 'tenant-a', userId: 'usr_race' })
    expect((await reading).get(keyId)?.key).not.toBeNull()
    await destroy('usr_race')
    expect((await keys.byId([keyId])).get(keyId)?.key).toBeNull()
  })

  it('answers text that is no event for what was changed, moved to another event, or sealed by nobody', async () => {
    const { bus } = openBus()
    await bus.append([aRecord({ data: 'Ada' })])
    const [stored] = await raw.read(everything)
    if (stored === undefined) throw new Error('nothing was appended')
    const data = (JSON.parse(stored.envelope) as { data: string }).data
    const changed = data.replace(/.{4}$/, 'AAAA')
    const unknown = data.replace(/:[0-9a-f]{8}-/, ':00000000-')
    await raw.append([
      { ...stored, envelope: stored.envelope.replace(data, changed) },
      { ...stored, eventId: 'evt-2' },
      { ...stored, tenantId: 'tenant-b' },
      { ...stored, envelope: stored.envelope.replace(data, unknown) },
      { ...stored, envelope: 'no JSON, but "data":"soma-sealed:' },
    ])
    const [own, ...broken] = await textsOf(bus)
    expect(own).toContain('"data":"Ada"')
    for (const text of broken) expect(() => JSON.parse(text) as unknown).toThrow()
  })

  it('is readable for others where sealing is off; what was sealed before is opened all the same', async () => {
    const sealed = aRecord({ data: 'Ada' })
    const plain = aRecord({ data: 'Bob' }, { eventId: 'evt-2' })
    await openBus().bus.append([sealed])
    const { bus } = openBus(false)
    await bus.append([plain])
    expect((await textsOf(raw))[1]).toBe(plain.envelope)
    expect(await textsOf(bus)).toEqual([sealed.envelope, plain.envelope])
  })

  it('is refused by a process with another key of the installation', async () => {
    await openBus().bus.append([aRecord({ data: 'Ada' })])
    const other = openBus(true, randomBytes(32))
    await expect(other.keys.refuseOtherInstallation()).rejects.toThrow('set server.clusterSecret')
    await expect(other.bus.read(everything)).rejects.toMatchObject({ code: 'unavailable' })
    await openBus().keys.refuseOtherInstallation()
  })
})
