import { openPostgres, type PostgresForTests } from '@soma/governance/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anybody, MEMORY_MODULES, type MemoryBench, openMemoryBench } from '../testing/index.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

let postgres: PostgresForTests
/** Two processes on one Postgres. */
const nodes: MemoryBench[] = []
let embedded: MemoryBench
beforeAll(async () => {
  postgres = await openPostgres(server, [...MEMORY_MODULES])
  for (let index = 0; index < 2; index++) nodes.push(await openMemoryBench({ database: await postgres.connect() }))
  embedded = await openMemoryBench()
}, 60_000)
afterAll(async () => {
  for (const bench of [...nodes, embedded]) await bench?.close()
  await postgres?.drop()
}, 60_000)

const node = (index: number): MemoryBench => nodes[index % nodes.length] as MemoryBench

/** What an agent remembers, changes and forgets in its life, with every answer; without ids, times, and ranks, which ids decide where words do not. */
async function aLife(bench: MemoryBench): Promise<unknown> {
  const ann = anybody()
  const { memory } = bench
  const answers: unknown[] = []
  const recall = async (query: string, more: object = {}) =>
    answers.push(await memory.items.recall(ann, { body: { query, ...more } }))
  const works = (employer: string, validFrom: string) => ({
    ...{ content: `Alice works at ${employer}.`, subject: 'alice', predicate: 'works-at' },
    validFrom: `2026-${validFrom}T00:00:00.000Z`,
  })
  const facts = [
    works('Acme', '01-01'),
    works('Globex', '06-01'),
    works('Initech', '03-01'),
    { content: 'Tea is hot.' },
  ]
  const { results } = await memory.items.remember(ann, { body: { items: facts } })
  answers.push(results)
  const [first, second] = results.map(({ id }) => id as string) as [string, string]
  for (const content of ['Hello there.', 'What about tea?', 'It is hot.'])
    await memory.episodes.create(ann, {
      body: { agentId: 'cook', role: 'user', content, occurredAt: `2026-01-01T00:00:0${content.length % 10}.123456Z` },
    })
  await bench.settle()
  await recall('where does alice work')
  await recall('alice', { validAt: '2026-02-01T00:00:00.000Z' })
  await recall('globbex')
  await recall('tea', { kinds: ['episode'], limit: 2 })
  await recall('of the')
  answers.push(await memory.items.history(ann, { params: { itemId: second }, query: {} }))
  answers.push(await memory.episodes.list(ann, { query: { agentId: 'cook', order: 'oldest' } }))
  answers.push(
    await memory.links.create(ann, { body: { fromId: first, toId: second, relation: 'next', strength: 0.5 } }),
  )
  answers.push(await memory.links.expand(ann, { body: { startIds: [first] } }))
  const params = { scopeType: 'user' as const, scopeId: 'me' as const, key: 'k' }
  answers.push(await memory.working.put(ann, { params, ifMatch: 0, body: { value: { b: [1, null, 'ü'], a: 1.5 } } }))
  answers.push(await memory.working.apply(ann, { params, body: { op: 'merge', patch: { a: null } } }))
  answers.push(await memory.usage.get(ann, {}))
  answers.push(await memory.items.forget(ann, { body: { select: { itemIds: [first] } } }))
  answers.push(await memory.items.list(ann, { query: { limit: 3 } }))
  return JSON.parse(
    JSON.stringify(answers)
      .replaceAll(/"(?:nextCursor|traceId|ref|tookMs|seq|score|recency|lexical)":(?:"[^"]*"|[\d.e-]+)/g, '"x":0')
      .replaceAll(/(?:fact|epi|link)_\w{26}/g, 'id')
      .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"time"'),
  ) as unknown
}

describe('memory on Postgres', () => {
  it('answers as on the embedded engine, with the same statements', async () => {
    expect(await aLife(node(0))).toEqual(await aLife(embedded))
  }, 60_000)

  it('MEM-R4 of 50 writers of one key at once, on two processes, none fails: all values are in the history and one is current', async () => {
    for (const key of [{ externalId: 'one' }, { subject: 'alice', predicate: 'works-at' }]) {
      const ann = anybody()
      const writes = Array.from({ length: 50 }, (_, n) =>
        node(n).memory.items.remember(ann, { body: { items: [{ content: `value ${n}`, ...key }] } }),
      )
      const versions = (await Promise.all(writes)).map(({ results }) => results[0]?.version)
      expect(new Set(versions).size).toBe(50)
      const current = await node(0).memory.items.recall(ann, { body: { query: 'value', limit: 50 } })
      expect(current.hits.map(({ item }) => item.kind === 'fact' && item.version)).toEqual([50])
      const itemId = current.hits[0]?.item.id as string
      const { items } = await node(1).memory.items.history(ann, { params: { itemId }, query: { limit: 200 } })
      expect(items).toHaveLength(50)
    }
  }, 60_000)

  it('two batches that hold the same keys in opposite order never wait for each other for ever', async () => {
    const ann = anybody()
    const items = Array.from({ length: 40 }, (_, n) => ({ content: `new ${n}`, externalId: `key-${n}` }))
    for (let round = 0; round < 5; round++) {
      const batch = items.map((item) => ({ ...item, content: `${item.content} ${round}` }))
      const answers = await Promise.all([
        node(0).memory.items.remember(ann, { body: { items: batch } }),
        node(1).memory.items.remember(ann, { body: { items: batch.toReversed() } }),
      ])
      expect(answers.map(({ results }) => results.length)).toEqual([40, 40])
    }
  }, 60_000)

  it('MEM-R40 100 increments at once on two processes add 100, and of writers with one version one wins', async () => {
    const ann = anybody()
    const params = { scopeType: 'user' as const, scopeId: 'me' as const, key: 'count' }
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => node(n).memory.working.apply(ann, { params, body: { op: 'increment' } })),
    )
    expect(await node(0).memory.working.get(ann, { params })).toMatchObject({ value: 100, version: 100 })
    const writes = Array.from({ length: 10 }, (_, n) =>
      node(n).memory.working.put(ann, { params, ifMatch: 100, body: { value: n } }),
    )
    const ends = await Promise.allSettled(writes)
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const end of ends)
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'version-conflict' })
  }, 60_000)
})
