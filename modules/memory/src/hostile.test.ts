import { newId, type Problem } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anybody, createMemorySteps, type MemoryBench, openMemoryBench } from '../testing/index.ts'

let bench: MemoryBench
beforeAll(async () => {
  bench = await openMemoryBench()
}, 60_000)
afterAll(() => bench.close())
const { contents, remember } = createMemorySteps(() => bench)

const fact = (more: object) => ({ content: 'good', ...more })
const episode = (more: object) => ({ kind: 'episode', agentId: 'a', role: 'user', content: 'good', ...more })
const working = (more: object) => ({ kind: 'working', key: 'k', value: 1, ...more })
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])

/** What each bad item is refused for: the pointer inside it. */
const BAD: readonly (readonly [name: string, item: object, pointer: string])[] = [
  ['NUL in the content', fact({ content: 'a\0b' }), '/content'],
  ['half a surrogate pair', fact({ content: 'a\ud800' }), '/content'],
  ['no content', fact({ content: '' }), '/content'],
  ['65,537 bytes of content', fact({ content: 'ä'.repeat(32_768) + 'x' }), '/content'],
  ['33 tags', fact({ tags: Array.from({ length: 33 }, String) }), '/tags'],
  ['NUL in a tag', fact({ tags: ['\0'] }), '/tags/0'],
  ['metadata over 16 KiB', fact({ metadata: { a: 'x'.repeat(16_384) } }), '/metadata'],
  ['NUL in a name of the metadata', fact({ metadata: { '\0': 1 } }), '/metadata'],
  ['an unknown field', fact({ vector: [1] }), '/vector'],
  ['half a slot', fact({ subject: 'alice' }), '/predicate'],
  [
    'an end before the beginning',
    fact({ validFrom: '2026-02-01T00:00:00Z', validTo: '2026-01-01T00:00:00Z' }),
    '/validTo',
  ],
  ['the year 0', fact({ validFrom: '0000-01-01T00:00:00Z' }), '/validFrom'],
  ['importance over 1', fact({ importance: 1.1 }), '/importance'],
  ['a scope that nobody has', fact({ scope: { type: 'session', id: 'x' } }), '/scope/type'],
  ['a plan without its id', fact({ scope: { type: 'plan' } }), '/scope/id'],
  ['256 KiB and a byte of an episode', episode({ content: 'x'.repeat(262_145) }), '/content'],
  ['a day ahead', episode({ occurredAt: new Date(Date.now() + 86_400_000).toISOString() }), '/occurredAt'],

  ['a value over 256 KiB', working({ value: 'x'.repeat(262_144) }), '/value'],
  ['NUL in a value', working({ value: { a: ['\0'] } }), '/value/a/0'],
  ['a key of 201 characters', working({ key: 'x'.repeat(201) }), '/key'],
]

describe('bad input', () => {
  it('is refused with a pointer for each bad item, and nothing of the batch is stored', async () => {
    const ann = anybody()
    for (const [name, item, pointer] of BAD) {
      const refusal = bench.memory.items.remember(ann, { body: { items: [fact({}), item] as never } })
      const problem = await refusal.catch((error: unknown) => error)
      expect(problem, name).toMatchObject({ code: 'invalid-request' })
      const { errors } = (problem as Problem).extensions
      expect([...new Set(errors?.map((error) => error.pointer))], name).toEqual([`/body/items/1${pointer}`])
    }
    await expect(remember(ann, working({ value: deep(200) }))).rejects.toMatchObject({ code: 'malformed-body' })
    expect((await bench.memory.items.list(ann, { query: {} })).items).toEqual([])
  })

  it('queries of any text are answered: stop words and emoji alone by the newest, the rest by its words', async () => {
    const ann = anybody()
    await remember(ann, { content: 'The newest.' })
    for (const query of ['the of and', '🙂🙂🙂', '...', '%', '\\', '{}', '\u202e\u200b', 'newest '.repeat(1000)])
      expect(await contents(ann, query), query.slice(0, 20)).toEqual(['The newest.'])
    for (const query of [
      "'; drop table memory.facts; --",
      '.*(x+)+$',
      '{1:1}/5',
      'x'.repeat(8000),
      'x y '.repeat(2000),
    ])
      expect(await contents(ann, query), query.slice(0, 20)).toEqual([])
    await expect(contents(ann, 'a\0')).rejects.toMatchObject({ code: 'invalid-request' })
    await expect(contents(ann, 'x'.repeat(8001))).rejects.toMatchObject({ code: 'invalid-request' })
  })

  it('texts of any Unicode come back as they were, and are found', async () => {
    const ann = anybody()
    const texts = [
      'Ünïcödé straße',
      '東京都に住む',
      '🙂 smile',
      '__proto__ constructor',
      'a'.repeat(65_536),
      '1e999 0x1F',
      'tab\tnew\nline',
    ]
    for (const content of texts) {
      const [stored] = await remember(ann, { content, metadata: { constructor: content.slice(0, 10) } })
      const read = await bench.memory.facts.get(ann, { params: { factId: stored?.id as string } })
      expect(read).toMatchObject({ content, metadata: { constructor: content.slice(0, 10) } })
      await bench.settle()
      expect(await contents(ann, content.slice(0, 8000)), content.slice(0, 20)).toContain(content)
    }
  })

  it('cursors, times and ids that no list gave are refused or find nothing', async () => {
    const ann = anybody()
    const invalid = { code: 'invalid-request' }
    await expect(bench.memory.items.list(ann, { query: { cursor: 'x' } })).rejects.toMatchObject(invalid)
    await expect(bench.memory.facts.get(ann, { params: { factId: newId('epi') } })).rejects.toMatchObject(invalid)
    await expect(bench.memory.items.forget(ann, { body: { select: {} } })).rejects.toMatchObject(invalid)
    const both = { sessionId: 'a', sourceRef: 'b' }
    await expect(bench.memory.items.forget(ann, { body: { select: both } })).rejects.toMatchObject(invalid)
    const far = { asOf: '9999-12-31T23:59:59Z', validAt: '0001-01-01T00:00:00Z' }
    expect(await contents(ann, 'anything', far)).toEqual([])
  })

  it('limits of a scope end in quota-exceeded, and what a change would make too large in payload-too-large', async () => {
    const settings = { 'memory.workingMaxKeys': 2, 'memory.workingMaxBytes': 1024, 'memory.maxItemsPerUser': 3 }
    const small = await openMemoryBench({ settings })
    const ann = anybody()
    const put = (key: string, value: string) =>
      small.memory.working.put(ann, { params: { scopeType: 'user', scopeId: 'me', key }, body: { value } })
    await put('a', 'x')
    await put('b', 'x')
    await expect(put('c', 'x')).rejects.toMatchObject({ code: 'quota-exceeded' })
    await expect(put('a', 'x'.repeat(1100))).rejects.toMatchObject({ code: 'quota-exceeded' })
    const store = (...names: string[]) =>
      small.memory.items.remember(ann, { body: { items: names.map((content) => ({ content })) } })
    await store('1', '2')
    await small.settle()
    await expect(store('3', '4')).rejects.toMatchObject({ code: 'quota-exceeded' })
    await store('3')
    await small.close()
    const params = { scopeType: 'user' as const, scopeId: 'me' as const, key: 'list' }
    const append = () => bench.memory.working.apply(ann, { params, body: { op: 'append', value: 'x'.repeat(200_000) } })
    await append()
    await expect(append()).rejects.toMatchObject({ code: 'payload-too-large' })
  }, 30_000)
})
