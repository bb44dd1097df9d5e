import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aMember,
  anybody,
  createMemorySteps,
  MEMORY_TABLES,
  type MemoryBench,
  openMemoryBench,
} from '../../testing/index.ts'

let bench: MemoryBench
beforeAll(async () => {
  bench = await openMemoryBench()
}, 60_000)
afterAll(() => bench.close())
const { contents, remember } = createMemorySteps(() => bench)

describe('forgetting', () => {
  it('counts first, then erases by source with every word of it', async () => {
    const ann = anybody()
    const source = { kind: 'document' as const, ref: 'page-7' }
    await remember(
      ann,
      { content: 'A quokka smiles.', source },
      { content: 'A wombat.' },
      { kind: 'episode', agentId: 'x', role: 'tool', content: 'quokka', source },
    )
    await bench.settle()
    const select = { sourceRef: 'page-7' }
    const counted = await bench.memory.items.forget(ann, { body: { select, dryRun: true } })
    expect(counted).toMatchObject({ dryRun: true, counts: { facts: 1, episodes: 1 } })
    expect(await contents(ann, 'quokka')).toHaveLength(2)
    await bench.memory.items.forget(ann, { body: { select } })
    expect(await contents(ann, 'quokka')).toEqual([])
    const left = await bench.database.transaction({ role: 'soma_worker', tenantId: ann.tenantId }, (session) =>
      session.query('select term, documents from memory.lexicon order by term'),
    )
    expect(left).toEqual([
      { term: 'a', documents: 1 },
      { term: 'wombat', documents: 1 },
    ])
    expect(bench.events.at(-1)).toMatchObject({
      type: 'memory.forgotten',
      data: { cause: 'request', counts: { facts: 1, episodes: 1 } },
    })
  })

  it('erases what everyone wrote, of the tenant or of a space, for who manages there', async () => {
    const ann = anybody(['memory:publish'])
    const at = (spaceId: string, more: readonly string[] = []) =>
      aMember({ id: 'usr_ann', tenantId: ann.tenantId, spaceId, more: ['memory:publish', ...more] })
    const [east, west] = [at('east'), at('we/st')]
    const foreign = anybody()
    for (const by of [ann, east, west, foreign])
      await remember(by, { content: 'A quokka.' }, { kind: 'working', key: 'k', value: 1 })
    await remember(east, { content: 'The quokka of east.', scope: { type: 'space' } })
    await bench.settle()
    const erase = (by: typeof ann, spaceId?: string) =>
      bench.memory.items.forget(by, { body: { select: { everyone: spaceId === undefined ? {} : { spaceId } } } })
    const left = async () =>
      Promise.all([ann, east, west, foreign].map(async (by) => (await contents(by, 'quokka')).length))
    const manage = ['memory:manage']
    for (const [by, spaceId] of [
      [ann, 'east'],
      [at('we/st', manage), 'east'],
      [at('east', manage), ''],
      [at('east', manage), undefined],
    ] as const)
      await expect(erase(by, spaceId)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await left()).toEqual([1, 2, 1, 1])
    expect((await erase(at('east', manage), 'east')).counts).toMatchObject({ facts: 2, working: 1 })
    expect(await left()).toEqual([1, 0, 1, 1])
    expect((await erase(aMember({ id: 'usr_x', tenantId: ann.tenantId, more: manage }), 'we/st')).counts).toMatchObject(
      {
        facts: 1,
        working: 1,
      },
    )
    expect(await left()).toEqual([1, 0, 0, 1])
    await erase(aMember({ id: 'usr_x', tenantId: ann.tenantId, more: manage }))
    expect(await left()).toEqual([0, 0, 0, 1])
    const words = await bench.database.transaction({ role: 'soma_worker', tenantId: ann.tenantId }, (session) =>
      session.query('select term from memory.lexicon union all select key from memory.working_items'),
    )
    expect(words).toEqual([])
  })

  it('erases a person for that person and for who manages, and nobody else', async () => {
    const ann = anybody(['memory:publish'])
    const bob = aMember({ id: 'usr_bob', tenantId: ann.tenantId })
    const boss = aMember({ id: 'usr_boss', tenantId: ann.tenantId, more: ['memory:manage'] })
    await remember(
      ann,
      { content: 'private' },
      { content: 'public', scope: { type: 'tenant' } },
      { kind: 'working', key: 'k', value: 1 },
    )
    const select = { subject: { userId: 'usr_ann' } }
    await expect(bench.memory.items.forget(bob, { body: { select } })).rejects.toMatchObject({ code: 'forbidden' })
    expect(await contents(bob, 'public private')).toEqual(['public'])
    expect(await bench.memory.items.forget(boss, { body: { select } })).toMatchObject({
      counts: { facts: 2, episodes: 0, working: 1 },
    })
    expect(await contents(bob, 'public')).toEqual([])
    expect((await bench.memory.items.list(ann, { query: {} })).items).toEqual([])
  })

  it('a principal that was erased, and a tenant that ends, leave no row and no word behind', async () => {
    const ann = anybody(['memory:publish'])
    const bob = aMember({ id: 'usr_bob', tenantId: ann.tenantId })
    const east = { ...ann, spaceId: 'east' }
    for (const by of [ann, east]) {
      await remember(
        by,
        { content: 'private quokka' },
        { content: `public quokka of ${by.spaceId}`, scope: { type: 'tenant' } },
        { kind: 'episode', agentId: 'x', role: 'user', content: 'quokka' },
        { kind: 'working', key: 'k', value: 'quokka' },
      )
    }
    await remember(bob, { content: 'a wombat' })
    await bench.settle()
    const fact = (type: string, data: object): EventEnvelope => ({
      ...{ specversion: '1.0', id: newId('evt'), source: '/modules/identity', type, topic: 'system-events' },
      ...{ time: new Date().toISOString(), tenantid: ann.tenantId, data },
    })
    const rows = (table: string) =>
      bench.database.transaction({ role: 'soma_worker', tenantId: ann.tenantId }, (session) =>
        session.query(`select * from memory.${table}`),
      )
    await bench.deliver(fact('principal.erased', { principalId: 'usr_ann' }))
    for (const table of [...MEMORY_TABLES, 'closed_scopes'])
      expect(JSON.stringify(await rows(table)), table).not.toMatch(/quokka|usr_ann/)
    expect(await contents(bob, 'wombat')).toEqual(['a wombat'])
    const other = anybody()
    await remember(other, { content: 'a wombat' })
    await bench.deliver(fact('tenant.deleting', { tenantId: ann.tenantId, slug: 'x', region: 'local' }))
    for (const table of [...MEMORY_TABLES, 'closed_scopes']) expect(await rows(table), table).toEqual([])
    expect(await contents(other, 'wombat')).toEqual(['a wombat'])
  })
})
