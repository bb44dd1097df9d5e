import { type Context, newUuid } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventDefinitionInput } from '../../contract/index.ts'
import { anAgentContext, createRegistryHost, discoveryQuality, type RegistryHost } from '../../testing/index.ts'
import { builtInEmbedder } from './built-in-embedder.ts'
import { corpusOf, rank } from './rank.ts'

const candidate = (name: string, text: string) => ({ item: name, name, fields: [{ text, weight: 1 }] })

describe('ranking', () => {
  it('REG-R24 fuses the places by words and by vectors by reciprocal rank, ties by name', () => {
    const candidates = [
      candidate('both', 'owls hunt mice at night'),
      candidate('near', 'birds of prey'),
      candidate('word', 'owls'),
      candidate('c-far', 'ships'),
      candidate('b-near', 'eagles'),
      candidate('a-near', 'hawks'),
    ]
    const near = { similarities: [0.5, 0.9, 0.1, 0.14, 0.2, 0.2], least: 0.15 }
    const found = rank('owls', corpusOf(candidates), near)
    const scores = Object.fromEntries(found.map(({ item, score }) => [item, score]))
    expect(scores).toEqual({
      both: 1 / 62 + 1 / 62,
      word: 1 / 61,
      near: 1 / 61,
      'a-near': 1 / 63,
      'b-near': 1 / 64,
    })
    expect(found.map(({ item }) => item)).toEqual(['both', 'near', 'word', 'a-near', 'b-near'])
    expect(found.find(({ item }) => item === 'word')).toMatchObject({ vector: 0.1 })
    expect(
      rank('owls', corpusOf(candidates.toReversed()), { ...near, similarities: near.similarities.toReversed() }),
    ).toEqual(found)
    expect(rank('owls', corpusOf(candidates)).map(({ item, vector }) => [item, vector])).toEqual([
      ['word', undefined],
      ['both', undefined],
    ])
  })

  it('REG-R24 the built-in embedder needs nothing, and gives the same vector each time', async () => {
    const texts = ['Reserve an accommodation', 'book a hotel', 'solve the equation', '', '😀']
    const [first, second] = [await builtInEmbedder.embed(texts), await builtInEmbedder.embed(texts)]
    expect(second).toEqual(first)
    expect(new Set(first.map(({ length }) => length))).toEqual(new Set([512]))
    const product = (left: number, right: number) =>
      (first[left] as Float32Array).reduce((sum, value, index) => sum + value * (first[right]?.[index] as number), 0)
    expect(product(0, 1)).toBeGreaterThan(1)
    expect(Math.abs(product(1, 2))).toBeLessThan(0.5)
  })

  it('answers the graded questions of the corpus as the benchmark promises', async () => {
    const both = await discoveryQuality('words and vectors', 0.15)
    expect([both.hits, both.gain, both.missed]).toEqual([
      expect.toSatisfy((hits: number) => hits >= 0.9),
      expect.toSatisfy((gain: number) => gain >= 0.8),
      expect.anything(),
    ])
    const words = await discoveryQuality('words', 0.15)
    expect(words.hits).toBeGreaterThanOrEqual(0.8)
    expect(words.gain).toBeGreaterThanOrEqual(0.65)
    expect([words.hits < both.hits, words.gain < both.gain]).toEqual([true, true])
  })
})

describe('discovery', () => {
  let host: RegistryHost
  let unembedded: RegistryHost
  let calls = 0
  const context: Context = anAgentContext('ranking', 'agt_one', [
    'event-definition:write',
    'schema:write',
    'discovery:read',
  ])
  beforeAll(async () => {
    host = await createRegistryHost()
    unembedded = await createRegistryHost({
      database: host.database,
      embedder: {
        embed: () => {
          calls += 1
          return Promise.reject(new Error('the models are away'))
        },
      },
    })
  }, 60_000)
  afterAll(() => host?.close(), 60_000)

  const define = (event: Partial<EventDefinitionInput> & { type: string }) =>
    host.client.events.create(context, {
      body: {
        topic: 'action-requests',
        description: 'An event.',
        schema: { jsonSchema: { type: 'object' } },
        ...event,
      },
    })
  const search = ({ client }: RegistryHost, query: string) =>
    client.discovery.search(context, { body: { query, actionable: false } })
  const names = async (at: RegistryHost, query: string) => (await search(at, query)).items.map(({ name }) => name)

  it('REG-R24 finds by name, description, purpose, tags and fields, and without an embedder by words alone', async () => {
    const field = {
      jsonSchema: { type: 'object', properties: { list: { items: { properties: { zebraCount: {} } } } } },
    }
    await define({ type: 'walrus.requested' })
    await define({ type: 'one.requested', description: 'Feeds the ostrich.' })
    await define({ type: 'two.requested', purpose: 'So that the penguin is happy.' })
    await define({ type: 'three.requested', tags: ['giraffe'] })
    await define({ type: 'four.requested', schema: field })
    const questions = { walrus: 'walrus', ostrich: 'one', penguin: 'two', giraffe: 'three', zebra: 'four' }
    for (const [query, type] of Object.entries(questions)) {
      expect((await names(unembedded, query))[0], query).toBe(`${type}.requested`)
      expect((await names(host, query))[0], query).toBe(`${type}.requested`)
    }
    expect(calls).toBeGreaterThan(0)
    const answer = await search(unembedded, 'walrus')
    expect(answer).toMatchObject({ degraded: true, items: [{ scoreParts: { lexical: expect.any(Number) } }] })
    expect(answer.items[0]?.scoreParts).not.toHaveProperty('vector')
    expect(await search(host, 'walrus')).toMatchObject({
      ...{ degraded: false, items: [{ scoreParts: { lexical: expect.any(Number), vector: expect.any(Number) } }] },
    })
  })

  it('REG-R24 finds what is meant in other words, in the same order each time', async () => {
    await define({ type: 'hotel.requested', description: 'Reserves a room for some nights.' })
    await define({ type: 'car-rental.requested', description: 'Hires a vehicle.' })
    expect(await names(unembedded, 'accommodation in Rome')).toEqual([])
    const first = await search(host, 'accommodation in Rome')
    expect(first.items.map(({ name }) => name)).toEqual(['hotel.requested'])
    const questions = ['rent an automobile or a room', 'the animals that are fed', newUuid()]
    for (const query of questions) expect(await names(host, query), query).toEqual(await names(host, query))
  })
})
