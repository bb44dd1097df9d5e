import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anybody, createMemorySteps, type MemoryBench, openMemoryBench } from '../../testing/index.ts'

let bench: MemoryBench
beforeAll(async () => {
  bench = await openMemoryBench()
}, 60_000)
afterAll(() => bench.close())
const { contents, remember } = createMemorySteps(() => bench)

describe('remember and recall', () => {
  it('finds at once what was just remembered, by a word the tenant never used before, and tells why', async () => {
    const ann = anybody()
    const results = await remember(
      ann,
      { content: 'The zwieback is on the upper shelf.' },
      { kind: 'episode', agentId: 'cook', role: 'user', content: 'Where is my tea?' },
      { kind: 'working', key: 'stove', value: { on: true } },
    )
    expect(results).toMatchObject([
      { index: 0, kind: 'fact', outcome: 'stored', version: 1 },
      { index: 1, kind: 'episode', outcome: 'stored' },
      { index: 2, kind: 'working', outcome: 'stored', version: 1 },
    ])
    const { hits, degraded } = await bench.memory.items.recall(ann, { body: { query: 'where is the zwieback?' } })
    expect(hits).toMatchObject([
      {
        item: { id: results[0]?.id, source: { kind: 'human', actor: 'usr_ann' }, trust: 'verified' },
        relevance: 1,
        ranks: { lexical: 1 },
        layer: 'semantic',
      },
    ])
    const parts = Object.values(hits[0]?.parts ?? {})
    expect(hits[0]?.score).toBeCloseTo(parts.reduce((product, part) => product * part, 1))
    expect(degraded).toEqual([])
    expect(await contents(ann, 'my tea')).toEqual(['Where is my tea?'])
    expect(await contents(ann, 'the and of')).toEqual(['Where is my tea?', 'The zwieback is on the upper shelf.'])
    expect(await contents(aMember({ id: 'usr_bob', tenantId: ann.tenantId }), 'zwieback tea')).toEqual([])
  })

  it('MEM-R5 keeps row, source, words and event together, or nothing when the process dies before the commit', async () => {
    let isDying = true
    const dying = await openMemoryBench({
      beforeCommit: () => {
        if (isDying) throw new Error('killed')
      },
    })
    const ann = anybody()
    const body = { items: [{ content: 'The xylophone.', source: { kind: 'event' as const, ref: 'evt-9' } }] }
    await expect(dying.memory.items.remember(ann, { body })).rejects.toMatchObject({ code: 'internal' })
    const rows = (table: string) =>
      dying.database.transaction({ role: 'soma_worker', tenantId: ann.tenantId }, (session) =>
        session.query(`select from memory.${table}`).then(({ length }) => length),
      )
    const count = () => Promise.all(['nodes', 'facts', 'sources', 'item_terms'].map(rows))
    expect(await count()).toEqual([0, 0, 0, 0])
    isDying = false
    await dying.memory.items.remember(ann, { body })
    expect(await count()).toEqual([1, 1, 1, 1])
    expect(dying.events.map(({ type }) => type)).toEqual(['memory.written'])
    expect((await dying.memory.items.recall(ann, { body: { query: 'xylophone' } })).hits).toHaveLength(1)
    await dying.close()
  }, 30_000)

  it('corrects a misspelt word by words of readable items, once they are counted', async () => {
    const ann = anybody()
    await remember(ann, { content: 'The umbrella stands behind the door.' })
    expect(await contents(ann, 'umbrlela')).toEqual([])
    await bench.settle()
    const { hits, understood } = await bench.memory.items.recall(ann, { body: { query: 'umbrlela' } })
    expect(hits.map(({ item }) => item.content)).toEqual(['The umbrella stands behind the door.'])
    expect(hits[0]?.relevance).toBe(1)
    expect(understood.corrected).toEqual([{ from: 'umbrlela', to: 'umbrella' }])
    expect((await bench.memory.usage.get(ann, {})).scopes).toContainEqual({
      type: 'user',
      facts: { items: 1, bytes: 36 },
      episodes: { items: 0, bytes: 0 },
      procedures: { items: 0, bytes: 0 },
      working: { items: 0, bytes: 0 },
    })
  })

  it('finds the few that fit a filter behind a thousand better matches, by words and by time, and nothing where none fits', async () => {
    const ann = anybody()
    const rare = { tags: ['rare'], collection: 'cellar', source: { kind: 'tool', ref: 'x' } }
    await remember(
      ann,
      { content: `An apple ${'and more of something else '.repeat(20)}`, ...rare },
      { content: `A pear ${'and more of something else '.repeat(20)}`, ...rare },
      {
        kind: 'episode',
        agentId: 'cook',
        sessionId: 's',
        role: 'user',
        content: 'An apple was eaten today by them all.',
      },
    )
    for (const part of [0, 1])
      await remember(ann, ...Array.from({ length: 500 }, (_, n) => ({ content: `apple ${part * 500 + n}` })))
    await bench.settle()
    const found = async (query: string, more: object) =>
      (await contents(ann, query, more)).map((content) => content.slice(0, 8))
    for (const filter of [{ tags: ['rare'] }, { collections: ['cellar'], kinds: ['fact'] }]) {
      expect(await found('apple', filter)).toEqual(['An apple'])
      expect(await found('apple pear', filter)).toHaveLength(2)
      expect(await found('apple', { ...filter, minRelevance: 0.9 })).toEqual(['An apple'])
      expect(await found('apple xylophone', { ...filter, minRelevance: 0.9 })).toEqual([])
      expect(await found('the of and', filter)).toHaveLength(2)
      expect(await found('apple', { ...filter, asOf: new Date().toISOString() })).toEqual(['An apple'])
      expect(await found('apple', { ...filter, minTrust: 'verified' })).toEqual([])
    }
    expect(await found('apple', { sessionId: 's', kinds: ['episode'] })).toEqual(['An apple'])
    expect(await found('apple', { tags: ['none'] })).toEqual([])
    expect(await found('apple', { from: '2100-01-01T00:00:00Z' })).toEqual([])
    const bob = aMember({ id: 'usr_bob', tenantId: ann.tenantId })
    expect(await contents(bob, 'apple', { tags: ['rare'] })).toEqual([])
    expect(await contents(ann, 'apple', { tags: ['rare'], scopes: [{ type: 'tenant' }] })).toEqual([])
  }, 60_000)

  it('returns as many as are asked for where so many fit a filter, however few of the best do', async () => {
    const ann = anybody()
    await remember(
      ann,
      ...Array.from({ length: 300 }, (_, n) => ({
        content: `apple pear ${'plum '.repeat(n % 7)} ${n}`,
        tags: n % 60 === 59 ? ['rare'] : [],
      })),
    )
    const { hits } = await bench.memory.items.recall(ann, { body: { query: 'apple plum', tags: ['rare'], limit: 5 } })
    expect(hits).toHaveLength(5)
    const scores = hits.map(({ score }) => score)
    expect(scores).toEqual(scores.toSorted((left, right) => right - left))
  })

  it('masks a secret before anything is kept of it, and says so', async () => {
    const ann = anybody()
    const [result] = await remember(ann, { content: 'My card is 4111 1111 1111 1111, says Ann.' })
    expect(result?.warnings).toEqual(['masked: card-number'])
    expect(await contents(ann, 'card')).toEqual(['My card is [masked: card-number], says Ann.'])
    expect(await contents(ann, '4111')).toEqual([])
  })

  it('MEM-R8 takes all or nothing, with a pointer for each bad item, or each item for itself', async () => {
    const ann = anybody()
    const items = [
      { content: 'good' },
      { content: 'for all', scope: { type: 'tenant' as const } },
      {
        kind: 'episode' as const,
        agentId: 'a',
        role: 'user' as const,
        content: 'early',
        occurredAt: new Date(Date.now() + 86_400_000).toISOString(),
      },
    ]
    await expect(bench.memory.items.remember(ann, { body: { items } })).rejects.toMatchObject({
      code: 'forbidden',
      extensions: { errors: [{ pointer: '/body/items/1' }, { pointer: '/body/items/2/occurredAt' }] },
    })
    expect(await contents(ann, 'good early')).toEqual([])
    const { results } = await bench.memory.items.remember(ann, { body: { items, atomic: false } })
    expect(results.map(({ outcome, problem }) => [outcome, problem?.code])).toEqual([
      ['stored', undefined],
      ['refused', 'forbidden'],
      ['refused', 'invalid-request'],
    ])
  })
})
