import { newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anybody, createMemorySteps, type MemoryBench, openMemoryBench } from '../../testing/index.ts'

let bench: MemoryBench
beforeAll(async () => {
  bench = await openMemoryBench()
}, 60_000)
afterAll(() => bench.close())
const { remember } = createMemorySteps(() => bench)

describe('episodes', () => {
  const said = (content: string, minute: number, more: object = {}) => ({
    ...{ kind: 'episode', agentId: 'cook', sessionId: 's1', role: 'user', content, ...more },
    occurredAt: `2026-01-01T00:0${minute}:00.000Z`,
  })

  it('MEM-R31 lists them in time, page by page, with their neighbours, and records one source once', async () => {
    const ann = anybody()
    const source = { kind: 'event', ref: 'evt-1' }
    const [, second] = await remember(
      ann,
      said('three', 3),
      said('one', 1, { source }),
      said('two', 2),
      said('other', 2, { agentId: 'else' }),
    )
    const [again] = await remember(ann, said('one', 1, { source }))
    expect(again).toMatchObject({ id: second?.id, outcome: 'touched' })
    const query = { agentId: 'cook', limit: 2 }
    const first = await bench.memory.episodes.list(ann, { query })
    expect(first.items.map(({ content }) => content)).toEqual(['three', 'two'])
    const rest = await bench.memory.episodes.list(ann, { query: { ...query, cursor: first.nextCursor as string } })
    expect(rest.items.map(({ content }) => content)).toEqual(['one'])
    const { items } = await bench.memory.episodes.window(ann, {
      params: { episodeId: first.items[1]?.id as string },
      query: { before: 1, after: 1 },
    })
    expect(items.map(({ content }) => content)).toEqual(['one', 'two', 'three'])
    expect(
      (await bench.memory.items.list(ann, { query: { kind: 'episode', sessionId: 's1', limit: 3 } })).items,
    ).toHaveLength(3)
  })
})

describe('links', () => {
  it('MEM-R44 reinforces a link that is made again, walks the strongest, and goes with its ends', async () => {
    const ann = anybody()
    const [a, b, c] = (await remember(ann, { content: 'a' }, { content: 'b' }, { content: 'c' })).map(
      ({ id }) => id as string,
    ) as [string, string, string]
    const link = (fromId: string, toId: string, strength?: number) =>
      bench.memory.links.create(ann, {
        body: { fromId, toId, relation: 'about', ...(strength === undefined ? {} : { strength }) },
      })
    expect((await link(a, b, 0.5)).strength).toBe(0.5)
    expect((await link(a, b)).strength).toBeCloseTo(0.55)
    expect((await link(a, b, 0.55)).strength).toBe(0.55)
    const second = await link(b, c)
    await link(c, a)
    const { nodes } = await bench.memory.links.expand(ann, { body: { startIds: [a], hops: 3 } })
    expect(nodes.map(({ item, path, hops }) => [item.content, path, hops])).toEqual([
      ['b', [a, b], 1],
      ['c', [a, b, c], 2],
    ])
    expect(nodes[1]?.score).toBeCloseTo(0.55 * 0.5 * 0.5)
    await bench.memory.links.delete(ann, { params: { linkId: second.id } })
    expect((await bench.memory.links.list(ann, { query: {} })).items).toHaveLength(2)
    await bench.memory.items.forget(ann, { body: { select: { itemIds: [a] } } })
    expect((await bench.memory.links.list(ann, { query: {} })).items).toEqual([])
    await expect(link(b, newId('fact'))).rejects.toMatchObject({ code: 'not-found' })
    await expect(link(b, b)).rejects.toMatchObject({ code: 'invalid-request' })
  })

  it('MEM-R45 MEM-R44 neither shows nor passes through a node that the caller cannot read, and is no wider than the narrower of its ends', async () => {
    const ann = anybody(['memory:publish'])
    const bob = aMember({ id: 'usr_bob', tenantId: ann.tenantId })
    const tenant = { type: 'tenant' }
    const [start, hidden, end] = (
      await remember(ann, { content: 'start', scope: tenant }, { content: 'hidden' }, { content: 'end', scope: tenant })
    ).map(({ id }) => id as string) as [string, string, string]
    const link = (fromId: string, toId: string) =>
      bench.memory.links.create(ann, { body: { fromId, toId, relation: 'next' } })
    expect((await link(start, hidden)).scope).toEqual({ type: 'user' })
    await link(hidden, end)
    const walk = async (by: typeof ann) =>
      (await bench.memory.links.expand(by, { body: { startIds: [start], hops: 3 } })).nodes.map(
        ({ item }) => item.content,
      )
    expect(await walk(ann)).toEqual(['hidden', 'end'])
    expect(await walk(bob)).toEqual([])
    expect((await link(start, end)).scope).toEqual(tenant)
    expect(await walk(bob)).toEqual(['end'])
    const many = (await remember(ann, ...Array.from({ length: 12 }, (_, n) => ({ content: `leaf ${n}` })))).map(
      ({ id }) => id as string,
    )
    for (const [index, toId] of many.entries())
      await bench.memory.links.create(ann, {
        body: { fromId: end, toId, relation: 'next', strength: (index + 1) / 12 },
      })
    const { nodes } = await bench.memory.links.expand(ann, { body: { startIds: [end], hops: 1, limit: 100 } })
    expect(nodes.map(({ item }) => item.content)).toEqual(many.slice(2).map((_, n) => `leaf ${11 - n}`))
    await expect(
      bench.memory.links.create(bob, { body: { fromId: start, toId: end, relation: 'about' } }),
    ).rejects.toMatchObject({ code: 'forbidden' })
  })
})
