import type { Context } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anybody, createMemorySteps, type MemoryBench, openMemoryBench } from '../../testing/index.ts'

let bench: MemoryBench
beforeAll(async () => {
  bench = await openMemoryBench()
}, 60_000)
afterAll(() => bench.close())
const { contents, remember } = createMemorySteps(() => bench)

const DECIDES = ['procedure:activate']
const refund = {
  ...{ agentId: 'clerk', name: 'refunds', type: 'skill' as const },
  ...{ trigger: 'a customer wants money back', content: 'Ask for the receipt first.' },
}
const draft = (by: Context, more: object = {}) =>
  bench.memory.procedures.create(by, { body: { ...refund, ...more } as never })
const activate = (by: Context, procedureId: string) => bench.memory.procedures.activate(by, { params: { procedureId } })
const retire = (by: Context, procedureId: string) => bench.memory.procedures.retire(by, { params: { procedureId } })
const select = async (by: Context, context: string, more: object = {}) =>
  (await bench.memory.procedures.select(by, { body: { agentId: 'clerk', context, ...more } })).procedures
const chosen = async (by: Context, context: string, more: object = {}) =>
  (await select(by, context, more)).map(({ procedure }) => procedure.content)

const asWorker = ({ tenantId }: Context, sql: string) =>
  bench.database.transaction({ role: 'soma_worker', tenantId, principalId: 'worker' }, (session) => session.query(sql))

describe('versions', () => {
  it('a version is drafted, used once it is activated in place of the one before, and rolled back', async () => {
    const ann = anybody(DECIDES)
    const first = await draft(ann)
    expect(first).toMatchObject({ status: 'draft', version: 1, uses: 0, wins: 0 })
    expect(await chosen(ann, 'money back')).toEqual([])
    expect(await activate(ann, first.id)).toMatchObject({ status: 'active', approvedBy: 'usr_ann' })
    const second = await draft(ann, { content: 'Ask for the receipt and the reason.' })
    expect(second).toMatchObject({ status: 'draft', version: 2 })
    expect((await draft(ann, { content: 'Ask for the receipt and the reason.' })).id).toBe(second.id)
    expect(await chosen(ann, 'money back')).toEqual([refund.content])
    await activate(ann, second.id)
    expect(await chosen(ann, 'money back')).toEqual([second.content])
    const get = (procedureId: string) => bench.memory.procedures.get(ann, { params: { procedureId } })
    expect(await get(first.id)).toMatchObject({ status: 'retired', content: refund.content, version: 1 })
    await activate(ann, first.id)
    await activate(ann, first.id)
    expect(await chosen(ann, 'money back')).toEqual([refund.content])
    await retire(ann, first.id)
    expect(await chosen(ann, 'money back')).toEqual([])
    expect(
      bench.events
        .filter(({ type, tenantid }) => type === 'memory.activated' && tenantid === ann.tenantId)
        .map(({ data }) => data),
    ).toEqual([
      expect.objectContaining({ procedureId: first.id, version: 1, byId: 'usr_ann' }),
      expect.objectContaining({ procedureId: second.id, version: 2, previousVersion: 1 }),
      expect.objectContaining({ procedureId: first.id, version: 1, previousVersion: 2 }),
    ])
    const said = JSON.stringify(bench.events.filter(({ tenantid }) => tenantid === ann.tenantId))
    expect(said).not.toContain('receipt')
  })

  it('of 20 versions activated at once one is active', async () => {
    const ann = anybody(DECIDES)
    const drafts = await Promise.all(Array.from({ length: 20 }, (_, n) => draft(ann, { content: `Way ${n}` })))
    expect(drafts.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    )
    await Promise.all(drafts.map(({ id }) => activate(ann, id)))
    const { items } = await bench.memory.procedures.list(ann, { query: { status: 'active' } })
    expect(items).toHaveLength(1)
    const names = await bench.memory.procedures.list(ann, { query: { agentId: 'clerk', name: 'refunds', limit: 7 } })
    expect(names.items.map(({ version }) => version)).toEqual([20, 19, 18, 17, 16, 15, 14])
    expect(names.nextCursor).not.toBeNull()
  })

  it('what a tool or an agent proposes stays a draft: who may write and not activate cannot let it be used', async () => {
    const ann = anybody(DECIDES)
    const agent = aMember({ id: 'agt_one', kind: 'agent', userId: 'usr_ann', tenantId: ann.tenantId })
    const [proposal] = await remember(agent, { kind: 'procedure', ...refund, source: { kind: 'tool', ref: 'web' } })
    expect(proposal).toMatchObject({ kind: 'procedure', outcome: 'stored', version: 1 })
    const procedureId = proposal?.id as string
    for (const decide of [activate, retire])
      await expect(decide(agent, procedureId)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await bench.memory.procedures.get(agent, { params: { procedureId } })).toMatchObject({
      status: 'draft',
      trust: 'untrusted',
    })
    expect(await chosen(ann, 'money back')).toEqual([])
    await activate(ann, procedureId)
    expect(await chosen(ann, 'money back')).toEqual([refund.content])
  })

  it('what is for the whole tenant is activated by its owner, and in place of another one by who manages alone', async () => {
    const ann = anybody([...DECIDES, 'memory:publish'])
    const bob = aMember({ id: 'usr_bob', tenantId: ann.tenantId, more: [...DECIDES, 'memory:publish'] })
    const boss = aMember({
      id: 'usr_boss',
      tenantId: ann.tenantId,
      more: [...DECIDES, 'memory:publish', 'memory:manage'],
    })
    const scope = { type: 'tenant' }
    const own = await draft(ann, { scope })
    await activate(ann, own.id)
    const rival = await draft(bob, { scope, content: 'Never refund.' })
    expect(rival.version).toBe(2)
    await expect(activate(bob, rival.id)).rejects.toMatchObject({ code: 'memory-key-taken' })
    await expect(retire(bob, own.id)).rejects.toMatchObject({ code: 'memory-key-taken' })
    const reader = aMember({ id: 'usr_eve', tenantId: ann.tenantId, more: DECIDES })
    await expect(activate(reader, rival.id)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await chosen(reader, 'money back')).toEqual([refund.content])
    await activate(boss, rival.id)
    expect(await chosen(reader, 'money back')).toEqual(['Never refund.'])
  })
})

describe('select', () => {
  it('MEM-R37 gives the rules that a tag calls first, then by words what the agent and every agent has, filtered by type', async () => {
    const ann = anybody(DECIDES)
    const procedures = [
      { name: 'greet', type: 'system-prompt', trigger: 'a conversation begins', content: 'Be kind to the customer.' },
      { name: 'refunds', type: 'skill', trigger: 'money back', content: 'Ask for the receipt.' },
      { name: 'tone', type: 'rule', trigger: 'always', content: 'Never promise a date.', tags: ['money back'] },
      { name: 'late', type: 'rule', trigger: 'money matters', content: 'Mind the deadline of money.' },
      { name: 'all', type: 'few-shot', agentId: '*', trigger: 'money', content: 'Example of a refund.' },
      { name: 'other', type: 'skill', agentId: 'cook', trigger: 'money back', content: 'Of another agent.' },
    ]
    for (const one of procedures) await activate(ann, (await draft(ann, one)).id)
    await bench.settle()
    const context = 'They want their money back now'
    const found = await select(ann, context, { limit: 5 })
    expect(found[0]).toMatchObject({ why: 'rule', procedure: { name: 'tone' } })
    expect(
      found
        .slice(1)
        .map(({ procedure }) => procedure.name)
        .toSorted(),
    ).toEqual(['all', 'late', 'refunds'])
    expect(found[1]).toMatchObject({ why: 'ranked', procedure: { name: 'refunds' } })
    expect(await chosen(ann, context, { limit: 1 })).toEqual(['Never promise a date.', 'Ask for the receipt.'])
    expect(await chosen(ann, context, { types: ['few-shot'] })).toEqual(['Example of a refund.'])
    expect(await chosen(ann, 'the back of a house', { types: ['rule'] })).toEqual([])
    expect(await chosen(ann, context, { agentId: 'nobody' })).toEqual(['Example of a refund.'])
    expect(await contents(ann, 'receipt')).toEqual([])
    expect(await contents(ann, 'receipt', { kinds: ['procedure'] })).toEqual(['Ask for the receipt.'])
  })

  it("a private one is nobody else's, one of a plan its readers', and what expired is not used", async () => {
    const ann = anybody([...DECIDES, 'memory:publish'])
    const bob = aMember({ id: 'usr_bob', tenantId: ann.tenantId })
    const { planId } = await bench.plans.plans.create(ann, { body: { title: 'Of the plan' } })
    const inPlan = await draft(ann, {
      name: 'planned',
      content: 'As the plan says.',
      scope: { type: 'plan', id: planId },
    })
    await bench.memory.procedures.activate(ann, { params: { procedureId: inPlan.id }, query: { planId } })
    await activate(ann, (await draft(ann)).id)
    await activate(ann, (await draft(ann, { name: 'brief', content: 'Long ago.' })).id)
    expect(await chosen(ann, 'money back')).toHaveLength(2)
    await asWorker(ann, "update memory.procedures set expires_at = now() where name = 'brief'")
    expect(await chosen(ann, 'money back')).toEqual([refund.content])
    expect((await chosen(ann, 'money back', { planId })).toSorted()).toEqual(['As the plan says.', refund.content])
    expect(await chosen(bob, 'money back')).toEqual([])
    await expect(chosen(bob, 'money back', { planId })).rejects.toMatchObject({ code: 'not-found' })
  })

  it('MEM-R38 counts uses and wins of each version, and lets a draft on trial serve its share of tasks, each task the same, until it is decided', async () => {
    const ann = anybody([...DECIDES, 'memory:publish'])
    const eve = aMember({ id: 'usr_eve', tenantId: ann.tenantId })
    const scope = { type: 'tenant' }
    const active = await draft(ann, { scope })
    await activate(ann, active.id)
    const trial = await draft(ann, { scope, content: 'Refund at once.', trialShare: 0.5 })
    const tasks = Array.from({ length: 60 }, (_, n) => `task-${n}`)
    const serve = async (taskId: string) => (await select(eve, 'money back', { taskId }))[0]
    const served = await Promise.all(tasks.map(serve))
    const onTrial = served.filter((one) => one?.isTrial)
    expect(onTrial.every((one) => one?.procedure.id === trial.id)).toBe(true)
    // Half of 60 by a hash of random ids: outside these bounds once in 10⁸.
    expect(onTrial.length).toBeGreaterThan(8)
    expect(onTrial.length).toBeLessThan(52)
    expect((await Promise.all(tasks.map(serve))).map((one) => one?.procedure.id)).toEqual(
      served.map((one) => one?.procedure.id),
    )
    expect(await chosen(eve, 'money back')).toEqual([refund.content])
    const tell = (itemIds: string[], outcome: 'useful' | 'useless' | 'wrong') =>
      bench.memory.feedback.create(eve, { body: { itemIds, outcome } })
    await Promise.all([
      ...Array.from({ length: 10 }, () => tell([active.id, trial.id], 'useful')),
      tell([trial.id], 'wrong'),
      tell([trial.id, active.id], 'useless'),
    ])
    const read = (procedureId: string) => bench.memory.procedures.get(eve, { params: { procedureId } })
    expect(await read(active.id)).toMatchObject({ uses: 11, wins: 10 })
    expect(await read(trial.id)).toMatchObject({ uses: 12, wins: 10 })
    await retire(ann, trial.id)
    expect((await Promise.all(tasks.map(serve))).some((one) => one?.isTrial)).toBe(false)
  })

  it('erasing takes procedures with their words, by id, person and source', async () => {
    const ann = anybody(DECIDES)
    const [one] = await remember(ann, { kind: 'procedure', ...refund, source: { kind: 'document', ref: 'book' } })
    await activate(ann, one?.id as string)
    await bench.settle()
    const erased = await bench.memory.items.forget(ann, { body: { select: { sourceRef: 'book' } } })
    expect(erased).toMatchObject({ counts: { facts: 0, episodes: 0, procedures: 1 }, itemIds: [one?.id] })
    expect(await chosen(ann, 'money back')).toEqual([])
    expect(await asWorker(ann, 'select term from memory.lexicon')).toEqual([])
    expect(
      (await bench.memory.usage.get(ann, {})).scopes.find(({ type }) => type === 'user')?.procedures.items ?? 0,
    ).toBe(0)
  })

  it('bad input is refused: names, shares, types, NUL, too long, and the secret of a trigger is masked', async () => {
    const ann = anybody(DECIDES)
    for (const more of [
      { name: 'Refunds' },
      { name: '' },
      { trialShare: 0.6 },
      { trialShare: -0.1 },
      { type: 'habit' },
      { trigger: 'x\0' },
      { content: 'x'.repeat(65_537) },
      { trigger: 'x'.repeat(1001) },
      { parameters: { a: 'x'.repeat(20_000) } },
      { status: 'active' },
      { uses: 5 },
    ])
      await expect(draft(ann, more), JSON.stringify(more).slice(0, 40)).rejects.toMatchObject({
        code: 'invalid-request',
      })
    await expect(select(ann, 'x'.repeat(8001))).rejects.toMatchObject({ code: 'invalid-request' })
    await expect(select(ann, 'a\0')).rejects.toMatchObject({ code: 'invalid-request' })
    const masked = await draft(ann, { trigger: 'The key is ghp_0123456789abcdefghijABCDEFGHIJ012345 here' })
    expect(masked.trigger).not.toContain('ghp_0123456789')
    expect(await select(ann, '{"__proto__": 1} .*(x+)+$')).toEqual([])
  })
})
