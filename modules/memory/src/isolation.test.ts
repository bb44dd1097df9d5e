import { type Context, type DatabaseScope, newId, newUuid, type SqlSession, uuidOf } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, createMemorySteps, MEMORY_TABLES, type MemoryBench, openMemoryBench } from '../testing/index.ts'

/** Those that requests write; the others are the worker's. */
const WRITTEN = ['nodes', 'sources', 'facts', 'episodes', 'procedures', 'item_terms', 'working_items', 'links']
const DECIDES = ['procedure:activate']
const PUBLISH = ['memory:publish']

const ann = aMember({ id: 'usr_ann', more: PUBLISH })
const bob = aMember({ id: 'usr_bob', more: PUBLISH })
/** The same user's name in a space is somebody else. */
const annInEast = aMember({ id: 'usr_ann', spaceId: 'east', more: PUBLISH })
const foreign = aMember({ id: 'usr_ann', tenantId: 'tenant-b', more: [...PUBLISH, 'memory:manage'] })
const decider = aMember({ id: 'usr_ann', more: DECIDES })
const others = { bob, annInEast, foreign }

let bench: MemoryBench
let factId = ''
let episodeId = ''
let procedureId = ''
let linkId = ''
let planId = ''
const { contents, remember } = createMemorySteps(() => bench)
const place = () => ({ scopeType: 'plan' as const, scopeId: planId, key: 'secret-key' })

beforeAll(async () => {
  bench = await openMemoryBench()
  const [fact, episode, procedure] = await remember(
    ann,
    { content: 'The secret is zebra.', externalId: 'secret', source: { kind: 'document', ref: 'secret-page' } },
    { kind: 'episode', agentId: 'cook', sessionId: 'secret-session', role: 'user', content: 'Say zebra.' },
    {
      ...{ kind: 'procedure', agentId: 'cook', name: 'secret', type: 'rule', tags: ['zebra'] },
      ...{ trigger: 'a zebra', content: 'Feed it.' },
    },
    { kind: 'working', key: 'scratch', value: 'zebra' },
  )
  ;[factId, episodeId, procedureId] = [fact?.id as string, episode?.id as string, procedure?.id as string]
  await bench.memory.procedures.activate(decider, { params: { procedureId } })
  linkId = (await bench.memory.links.create(ann, { body: { fromId: factId, toId: episodeId, relation: 'about' } })).id
  ;({ planId } = await bench.plans.plans.create(ann, { body: { title: 'Secret' } }))
  await bench.memory.working.put(ann, { params: place(), body: { value: 'zebra' } })
  await remember(ann, { content: 'A zebra of the plan.', scope: { type: 'plan', id: planId } })
  await bench.settle()
}, 60_000)
afterAll(() => bench.close())

/** As the module opens a transaction of somebody: scopes are entered first. */
function entered<T>(by: Context, work: (session: SqlSession) => Promise<T>): Promise<T> {
  const scope: DatabaseScope = {
    ...{ role: 'soma_app', tenantId: by.tenantId, spaceId: by.spaceId },
    ...{ userId: by.userId ?? '', principalId: by.principal.id },
  }
  return bench.database.transaction(scope, async (session) => {
    await session.query(`select memory.enter('{}', '{}', true, false)`)
    return work(session)
  })
}
const count = (session: SqlSession, table: string) =>
  session.query(`select from memory.${table}`).then((rows) => rows.length)

describe('raw SQL', () => {
  it('a transaction that entered no scope sees no row, be it on a connection that served another, and without a tenant nobody enters', async () => {
    for (const table of MEMORY_TABLES) {
      expect(await entered(ann, (session) => count(session, table)), table).toBeGreaterThan(0)
      const scope = { role: 'soma_app', tenantId: ann.tenantId, userId: 'usr_ann', principalId: 'usr_ann' } as const
      expect(await bench.database.transaction(scope, (session) => count(session, table)), table).toBe(0)
    }
    const enter = (scope: Omit<DatabaseScope, 'role'>) =>
      bench.database.transaction({ role: 'soma_app', ...scope }, (session) =>
        session.query(`select memory.enter('{}', '{}', true, true)`),
      )
    await expect(enter({ userId: 'usr_ann' })).rejects.toThrow(/required/)
    await expect(enter({ tenantId: ann.tenantId })).rejects.toThrow(/required/)
    await expect(enter({})).rejects.toThrow(/required/)
  })

  it('another user, the same user in a space, and another tenant see, change, move and delete no row of any table', async () => {
    for (const [name, by] of Object.entries(others))
      for (const table of MEMORY_TABLES) {
        expect(await entered(by, (session) => count(session, table)), `${name} ${table}`).toBe(0)
        if (!WRITTEN.includes(table)) continue
        const changes = [
          `update memory.${table} set owner_id = owner_id`,
          `update memory.${table} set scope_key = (select min(k) from unnest(memory.writes()) k), owner_id = memory.owner()`,
          `delete from memory.${table}`,
        ]
        for (const sql of changes)
          expect(await entered(by, (session) => session.execute(sql)), `${name} ${sql}`).toBe(0)
      }
  })

  it('nobody writes a row into a scope that is not theirs, and for the tenant only in their own name', async () => {
    const insert = (scope: string, owner: string) => (session: SqlSession) =>
      session.execute(
        `insert into memory.nodes (tenant_id, id, scope_key, owner_id, kind) values ($1, $2, $3, $4, 'fact')`,
        [bob.tenantId, newUuid(), scope, owner],
      )
    for (const [scope, owner] of [
      ['user:/usr_ann', '/usr_bob'],
      ['space:east', '/usr_bob'],
      [`plan:${uuidOf('plan', planId)}`, '/usr_bob'],
      ['tenant', '/usr_ann'],
    ] as const)
      await expect(entered(bob, insert(scope, owner)), scope).rejects.toThrow(/row-level security/)
    expect(await entered(bob, insert('tenant', '/usr_bob'))).toBe(1)
    await entered(bob, (session) => session.execute(`delete from memory.nodes where owner_id = '/usr_bob'`))
    for (const role of ['soma_app', 'soma_worker'] as const)
      await expect(
        bench.database.transaction({ role, tenantId: 'tenant-b', principalId: 'x' }, async (session) => {
          await session.query(`select memory.enter('{}', '{}', true, true)`)
          await insert('user:/x', '/x')(session)
        }),
      ).rejects.toThrow(/row-level security/)
  })

  it('a link names no node that its writer cannot see, and the statistics are written by the worker alone', async () => {
    const [own] = await remember(bob, { content: 'mine' })
    const link = (session: SqlSession) =>
      session.execute(
        `insert into memory.links (tenant_id, id, scope_key, owner_id, from_id, relation, to_id) values ($1, $2, 'user:/usr_bob', '/usr_bob', $3, 'about', $4)`,
        [bob.tenantId, newUuid(), uuidOf('fact', own?.id as string), uuidOf('fact', factId)],
      )
    await expect(entered(bob, link)).rejects.toThrow(/row-level security/)
    for (const table of ['lexicon', 'scope_counts', 'closed_scopes'])
      await expect(
        entered(ann, (session) => session.execute(`delete from memory.${table}`)),
        table,
      ).rejects.toThrow(/permission denied/)
    await bench.memory.items.forget(bob, { body: { select: { itemIds: [own?.id as string] } } })
  })

  it('functions that run as the owner name their tenant and search path, and foreign keys have an index on both sides', async () => {
    const faulty = await bench.database.asOwner((session) =>
      session.query(`select proname from pg_proc where pronamespace = 'memory'::regnamespace and prosecdef
        and (proconfig is null or not array_to_string(proconfig, ' ') like '%search_path%' or prosrc not like '%memory.tenant()%')`),
    )
    expect(faulty).toEqual([])
    const bare = await bench.database.asOwner((session) =>
      session.query(`select conrelid::regclass::text as table, conname from pg_constraint c
        where contype = 'f' and connamespace = 'memory'::regnamespace and not exists (
          select from pg_index i where i.indrelid = c.conrelid and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] = c.conkey
            and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = '(source_id IS NOT NULL)'))`),
    )
    expect(bare).toEqual([])
  })
})

describe('operations', () => {
  it('everybody else finds nothing by words, filters, times or ids, and cannot change it: the same answer as for what never was', async () => {
    for (const [name, by] of Object.entries(others)) {
      const { memory } = bench
      expect(await contents(by, 'zebra secret say'), name).toEqual([])
      expect(await contents(by, 'of the', { asOf: new Date().toISOString() }), name).toEqual([])
      const lists = [
        memory.items.list(by, { query: {} }),
        memory.items.list(by, { query: { sourceRef: 'secret-page' } }),
        memory.facts.list(by, { query: { externalId: 'secret' } }),
        memory.procedures.list(by, { query: { name: 'secret' } }),
        memory.episodes.list(by, { query: { sessionId: 'secret-session' } }),
        memory.links.list(by, { query: { fromId: factId } }),
        memory.working.list(by, { params: { scopeType: 'user', scopeId: 'me' }, query: {} }),
      ]
      for (const { items } of await Promise.all(lists)) expect(items, name).toEqual([])
      expect(await memory.links.expand(by, { body: { startIds: [factId] } })).toEqual({ nodes: [] })
      for (const select of [{ sourceRef: 'secret-page' }, { sessionId: 'secret-session' }])
        expect((await memory.items.forget(by, { body: { select } })).counts, name).toEqual({
          ...{ facts: 0, episodes: 0, procedures: 0 },
        })
      const zebra = { agentId: 'cook', context: 'feed the zebra' }
      expect(await memory.procedures.select(by, { body: zebra }), name).toEqual({ procedures: [] })
      const asked = (ids: { fact: string; episode: string; procedure: string; link: string; plan: string }) => {
        const version = { params: { procedureId: ids.procedure }, query: {} }
        const may = { ...by, principal: { ...by.principal, capabilities: [...by.principal.capabilities, ...DECIDES] } }
        const params = { ...place(), scopeId: ids.plan }
        return [
          memory.items.get(by, { params: { itemId: ids.fact }, query: {} }),
          memory.items.history(by, { params: { itemId: ids.fact }, query: {} }),
          memory.facts.get(by, { params: { factId: ids.fact }, query: {} }),
          memory.facts.update(by, { params: { factId: ids.fact }, ifMatch: 1, body: { tags: [] } }),
          memory.facts.delete(by, { params: { factId: ids.fact }, ifMatch: 1 }),
          memory.episodes.get(by, { params: { episodeId: ids.episode }, query: {} }),
          memory.episodes.window(by, { params: { episodeId: ids.episode }, query: {} }),
          memory.procedures.get(by, version),
          memory.procedures.activate(may, version),
          memory.procedures.retire(may, version),
          memory.feedback.create(by, { body: { itemIds: [ids.procedure], outcome: 'useful' } }),
          memory.procedures.select(by, { body: { ...zebra, planId: ids.plan } }),
          memory.links.delete(by, { params: { linkId: ids.link } }),
          memory.links.create(by, { body: { fromId: ids.fact, toId: ids.episode, relation: 'about' } }),
          memory.items.forget(by, { body: { select: { itemIds: [ids.fact] } } }),
          memory.items.forget(by, { body: { select: { planId: ids.plan } } }),
          memory.items.recall(by, { body: { query: 'zebra', planId: ids.plan } }),
          memory.items.recall(by, { body: { query: 'zebra', scopes: [{ type: 'plan', id: ids.plan }] } }),
          remember(by, { content: 'x', scope: { type: 'plan', id: ids.plan } }),
          memory.working.get(by, { params }),
          memory.working.put(by, { params, body: { value: 1 } }),
          memory.working.apply(by, { params, body: { op: 'increment' } }),
          memory.working.delete(by, { params }),
          memory.working.clear(by, { params: { scopeType: 'plan', scopeId: ids.plan } }),
        ]
      }
      const answersAbout = async (ids: Parameters<typeof asked>[0]) => {
        const ends = await Promise.allSettled(asked(ids))
        return ends.map((end) => {
          const { code, message } = (end as PromiseRejectedResult).reason ?? { code: 'answered', message: '' }
          return Object.values(ids).reduce((text, id) => text.replaceAll(id, 'ID'), `${code}: ${message}`)
        })
      }
      const real = await answersAbout({
        fact: factId,
        episode: episodeId,
        procedure: procedureId,
        link: linkId,
        plan: planId,
      })
      const ids = {
        fact: newId('fact'),
        episode: newId('epi'),
        procedure: newId('proc'),
        link: newId('link'),
        plan: newId('plan'),
      }
      expect(real, name).toEqual(await answersAbout(ids))
      expect(
        real.filter((answer) => !answer.startsWith('not-found')),
        name,
      ).toEqual([])
    }
    expect(await contents(ann, 'zebra', { planId })).toHaveLength(3)
    expect(await bench.memory.working.get(ann, { params: place() })).toMatchObject({ value: 'zebra', version: 1 })
  })

  it('MEM-R23 a word that another plants changes no byte of an answer', async () => {
    const ask = async () => {
      const answers = [
        await bench.memory.items.recall(ann, { body: { query: 'zebra sercet' } }),
        await bench.memory.items.list(ann, { query: {} }),
        await bench.memory.usage.get(ann, {}),
      ]
      return JSON.stringify(answers).replaceAll(/"(?:tookMs|score|recency)":[\d.e-]+/g, '')
    }
    const before = await ask()
    for (const by of Object.values(others))
      await remember(by, ...Array.from({ length: 5 }, (_, n) => ({ content: `zebra sercet secrets zebras ${n}` })))
    await bench.settle()
    expect(await ask()).toBe(before)
  })

  it('MEM-R13 MEM-R15 what is for the tenant or a space is read by all of it and no more, written by who may publish, and changed by its owner or who manages alone', async () => {
    const scope = { type: 'tenant' } as const
    const [own] = await remember(ann, { content: 'The gate closes at ten.', externalId: 'gate', scope })
    const params = { factId: own?.id as string }
    expect(await contents(bob, 'gate')).toEqual(['The gate closes at ten.'])
    expect(await contents(annInEast, 'gate')).toEqual(['The gate closes at ten.'])
    expect(await contents(foreign, 'gate')).toEqual([])
    const again = (by: Context) => remember(by, { content: 'The gate is open.', externalId: 'gate', scope })
    await expect(again(bob)).rejects.toMatchObject({ code: 'memory-key-taken' })
    await expect(again(annInEast)).rejects.toMatchObject({ code: 'memory-key-taken' })
    for (const call of [
      () => bench.memory.facts.update(bob, { params, ifMatch: 1, body: { tags: ['x'] } }),
      () => bench.memory.facts.update(bob, { params, ifMatch: 1, body: { content: 'x' } }),
      () => bench.memory.facts.delete(bob, { params, ifMatch: 1 }),
      () => bench.memory.items.forget(bob, { body: { select: { itemIds: [params.factId] } } }),
      () => remember(aMember({ id: 'usr_eve' }), { content: 'x', scope }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'forbidden' })
    const inEast = aMember({ id: 'usr_eve', spaceId: 'east' })
    const ofEast = { content: 'The gate of east.', externalId: 'east', scope: { type: 'space' } } as const
    await remember(annInEast, ofEast)
    expect(await contents(inEast, 'east')).toEqual(['The gate of east.'])
    for (const by of [ann, bob, foreign, aMember({ id: 'usr_eve', spaceId: 'west' })])
      expect(await contents(by, 'east')).toEqual([])
    await expect(remember(inEast, ofEast)).rejects.toMatchObject({ code: 'forbidden' })
    const alsoInEast = aMember({ id: 'usr_bob', spaceId: 'east', more: PUBLISH })
    await expect(remember(alsoInEast, { ...ofEast, content: 'Mine.' })).rejects.toMatchObject({
      code: 'memory-key-taken',
    })
    await expect(remember(ann, ofEast)).rejects.toMatchObject({ code: 'invalid-request' })
    const boss = aMember({ id: 'usr_boss', more: [...PUBLISH, 'memory:manage'] })
    expect(await again(boss)).toMatchObject([{ outcome: 'replaced', replacedIds: [params.factId] }])
    expect(await contents(bob, 'gate')).toEqual(['The gate is open.'])
  })

  it('MEM-R16 two users of one agent never meet, two agents of one user do, and an agent for nobody has its own', async () => {
    const agent = (id: string, userId?: string) =>
      aMember({ id, kind: 'agent', tenantId: 'tenant-c', ...(userId === undefined ? {} : { userId }) })
    await remember(agent('agt_one', 'usr_x'), { content: 'x likes tea' })
    await remember(agent('agt_one', 'usr_y'), { content: 'y likes tea' })
    await remember(agent('agt_one'), { content: 'nobody likes tea' })
    expect(await contents(agent('agt_two', 'usr_x'), 'tea')).toEqual(['x likes tea'])
    expect(await contents(agent('agt_one', 'usr_y'), 'tea')).toEqual(['y likes tea'])
    expect(await contents(agent('agt_one'), 'tea')).toEqual(['nobody likes tea'])
    expect(await contents(agent('agt_two'), 'tea')).toEqual([])
    expect(await contents(aMember({ id: 'usr_x', tenantId: 'tenant-c' }), 'tea')).toEqual(['x likes tea'])
  })
})
