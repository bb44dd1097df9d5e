import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anybody, createMemorySteps, type MemoryBench, openMemoryBench } from '../../testing/index.ts'

let bench: MemoryBench
beforeAll(async () => {
  bench = await openMemoryBench()
}, 60_000)
afterAll(() => bench.close())
const { contents, remember } = createMemorySteps(() => bench)

/** When a fact was recorded; that moment is over when it answers. */
async function recordedAt(
  by: ReturnType<typeof anybody>,
  stored: { id?: string | undefined } | undefined,
): Promise<string> {
  const fact = await bench.memory.facts.get(by, { params: { factId: stored?.id as string } })
  await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(fact.recordedAt))
  return fact.recordedAt
}

describe('facts in two clocks', () => {
  const at = (text: string) => `2026-${text}T00:00:00.000Z`
  const works = (employer: string, more: object = {}) => ({
    content: `Alice works at ${employer}.`,
    subject: 'alice',
    predicate: 'works-at',
    ...more,
  })

  it('MEM-R26 closes the old value of a slot, and answers now, then, and as believed then', async () => {
    const ann = anybody()
    const [acme] = await remember(ann, works('Acme', { validFrom: at('01-01') }))
    const before = await recordedAt(ann, acme)
    const [globex] = await remember(ann, works('Globex', { validFrom: at('06-01') }))
    expect(globex).toMatchObject({ outcome: 'replaced', version: 2, replacedIds: [acme?.id] })
    expect(await contents(ann, 'alice')).toEqual(['Alice works at Globex.'])
    expect(await contents(ann, 'alice', { validAt: at('03-01') })).toEqual(['Alice works at Acme.'])
    expect(await contents(ann, 'alice', { asOf: before })).toEqual(['Alice works at Acme.'])
    const [corrected] = await remember(ann, works('Initech', { validFrom: at('06-01'), corrects: true }))
    expect(corrected?.replacedIds).toEqual([globex?.id])
    expect(await contents(ann, 'alice', { validAt: at('07-01') })).toEqual(['Alice works at Initech.'])
    const history = await bench.memory.items.history(ann, { params: { itemId: corrected?.id as string }, query: {} })
    expect(history.items.map((item) => (item.kind === 'fact' ? [item.content, item.status] : []))).toEqual([
      ['Alice works at Initech.', 'live'],
      ['Alice works at Globex.', 'superseded'],
      ['Alice works at Acme.', 'live'],
    ])
  })

  it('MEM-R27 enters a late value into the past, closed where the next began, and keeps several side by side where the slot is not exclusive', async () => {
    const ann = anybody()
    await remember(ann, works('Globex', { validFrom: at('06-01') }))
    const [late] = await remember(ann, works('Acme', { validFrom: at('01-01') }))
    expect(late).toMatchObject({ outcome: 'stored', replacedIds: [] })
    expect(await contents(ann, 'alice')).toEqual(['Alice works at Globex.'])
    expect(await contents(ann, 'alice', { validAt: at('03-01') })).toEqual(['Alice works at Acme.'])
    const fact = await bench.memory.facts.get(ann, { params: { factId: late?.id as string } })
    expect(fact.validTo).toBe(at('06-01'))
    await remember(
      ann,
      works('a', { exclusive: false, predicate: 'likes' }),
      works('b', { exclusive: false, predicate: 'likes' }),
    )
    expect(await contents(ann, 'alice', { limit: 5 })).toHaveLength(3)
  })

  it('MEM-R2 MEM-R26 finds a fact by external id, else slot, else content: the same is touched, another under an external id leaves the past too', async () => {
    const ann = anybody()
    const [one] = await remember(ann, { content: 'The code is red.', externalId: 'code', tags: ['x'] })
    const [same] = await remember(ann, { content: 'The code is red.', externalId: 'code', tags: ['y'] })
    expect(same).toMatchObject({ id: one?.id, outcome: 'touched', version: 1 })
    await recordedAt(ann, one)
    const [two] = await remember(ann, { content: 'The code is blue.', externalId: 'code' })
    expect(two).toMatchObject({ outcome: 'replaced', version: 2, replacedIds: [one?.id] })
    const old = await bench.memory.facts.get(ann, { params: { factId: one?.id as string } })
    expect(old).toMatchObject({ status: 'superseded', replacedBy: two?.id, tags: ['x', 'y'] })
    expect(await contents(ann, 'code')).toEqual(['The code is blue.'])
    expect(await contents(ann, 'code', { validAt: new Date().toISOString() })).toEqual(['The code is blue.'])
    const past = { asOf: old.recordedAt, validAt: old.recordedAt }
    expect(await contents(ann, 'code', past)).toEqual(['The code is red.'])
    expect(await contents(ann, 'code', { validAt: old.recordedAt })).toEqual([])
    const slots = await remember(ann, works('Acme', { tags: ['a'] }), works('Acme', { tags: ['b'] }))
    expect(slots.map(({ outcome, version }) => [outcome, version])).toEqual([
      ['stored', 1],
      ['touched', 1],
    ])
    const elsewhere = await remember(ann, { content: 'a b' }, { content: 'a b', collection: 'other' })
    expect(elsewhere.map(({ outcome }) => outcome)).toEqual(['stored', 'stored'])
    const replay = await remember(ann, { content: 'no key' }, { content: 'no key' })
    expect(replay.map(({ outcome }) => outcome)).toEqual(['stored', 'touched'])
  })

  it('keeps a more trusted value, and the newcomer is disputed and linked to it', async () => {
    const ann = anybody()
    const agent = aMember({ id: 'agt_tool', kind: 'agent', userId: 'usr_ann', tenantId: ann.tenantId })
    const [own] = await remember(ann, works('Acme'))
    const [told] = await remember(agent, works('Evil', { source: { kind: 'tool', ref: 'exec-1' } }))
    expect(told).toMatchObject({ outcome: 'disputed', replacedIds: [] })
    expect(await contents(ann, 'alice')).toEqual(['Alice works at Acme.'])
    const links = await bench.memory.links.list(ann, { query: { fromId: told?.id as string } })
    expect(links.items).toMatchObject([{ relation: 'contradicts', toId: own?.id }])
    const raised = await remember(agent, { content: 'Believe me.', source: { kind: 'human' } })
    expect(await bench.memory.items.get(ann, { params: { itemId: raised[0]?.id as string } })).toMatchObject({
      trust: 'normal',
    })
  })

  it('changes a fact in place under its version; new content supersedes it', async () => {
    const ann = anybody()
    const { fact } = await bench.memory.facts.create(ann, { body: { content: 'The sky is green.' } })
    const params = { factId: fact.id }
    await expect(bench.memory.facts.update(ann, { params, ifMatch: 7, body: { tags: ['a'] } })).rejects.toMatchObject({
      code: 'version-conflict',
      extensions: { version: 1 },
    })
    const changed = await bench.memory.facts.update(ann, { params, ifMatch: 1, body: { tags: ['a'], importance: 1 } })
    expect(changed.fact).toMatchObject({ version: 2, tags: ['a'], importance: 1 })
    const next = await bench.memory.facts.update(ann, { params, ifMatch: 2, body: { content: 'The sky is blue.' } })
    expect(next).toMatchObject({
      fact: { content: 'The sky is blue.', version: 3, tags: ['a'] },
      replacedIds: [fact.id],
    })
    expect(await contents(ann, 'sky')).toEqual(['The sky is blue.'])
    await bench.memory.facts.delete(ann, { params: { factId: next.fact.id }, ifMatch: 3 })
    expect(await contents(ann, 'sky')).toEqual([])
    const { items } = await bench.memory.facts.list(ann, { query: { status: 'superseded' } })
    expect(items.map(({ id }) => id)).toEqual([fact.id])
  })

  it('ends a fact at its instant, swept or not', async () => {
    const ann = anybody()
    await remember(
      ann,
      { content: 'over', expiresAt: new Date(Date.now() - 1000).toISOString() },
      { content: 'over too', validFrom: at('01-01'), validTo: at('01-02') },
    )
    expect(await contents(ann, 'over')).toEqual([])
    expect(await contents(ann, 'over', { validAt: at('01-01') })).toEqual(['over too'])
  })
})
