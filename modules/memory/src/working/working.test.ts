import { type EventEnvelope, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aMember, anybody, type MemoryBench, openMemoryBench } from '../../testing/index.ts'

let bench: MemoryBench
beforeAll(async () => {
  bench = await openMemoryBench()
}, 60_000)
afterAll(() => bench.close())

describe('working memory', () => {
  const me = { scopeType: 'user' as const, scopeId: 'me' as const }
  const working = () => bench.memory.working

  it('compares and sets, adds in one step, and forgets at its end', async () => {
    const ann = anybody()
    const params = { ...me, key: 'a/b' }
    await expect(working().put(ann, { params, ifMatch: 3, body: { value: 1 } })).rejects.toMatchObject({
      code: 'version-conflict',
      extensions: { version: 0 },
    })
    expect(await working().put(ann, { params, ifMatch: 0, body: { value: null } })).toMatchObject({
      version: 1,
      value: null,
    })
    await expect(working().put(ann, { params, ifMatch: 0, body: { value: 1 } })).rejects.toMatchObject({
      code: 'version-conflict',
      extensions: { version: 1 },
    })
    expect(await working().put(ann, { params, body: { value: 1 } })).toMatchObject({ version: 2 })
    await Promise.all(Array.from({ length: 100 }, () => working().apply(ann, { params, body: { op: 'increment' } })))
    expect(await working().get(ann, { params })).toMatchObject({ value: 101, version: 102 })
    await expect(working().apply(ann, { params, body: { op: 'append', value: 1 } })).rejects.toMatchObject({
      code: 'conflict',
    })
    await working().put(ann, { params, body: { value: 1, ttlMs: 1 } })
    await expect
      .poll(() =>
        working()
          .get(ann, { params })
          .catch((error: unknown) => error),
      )
      .toMatchObject({ code: 'not-found' })
    expect(await working().put(ann, { params, ifMatch: 0, body: { value: 2 } })).toMatchObject({
      version: 1,
    })
    await working().delete(ann, { params, ifMatch: 1 })
    await expect(working().delete(ann, { params })).rejects.toMatchObject({ code: 'not-found' })
    await expect(working().delete(ann, { params, ifMatch: 1 })).rejects.toMatchObject({
      code: 'version-conflict',
    })
  })

  it('a repeated change counts once, also of an item that was deleted meanwhile or in another name, and is remembered for a day', async () => {
    const ann = anybody()
    const params = { ...me, key: 'sum' }
    const add = (idempotencyKey?: string, by = ann) =>
      working()
        .apply(by, { params, body: { op: 'increment' }, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) })
        .then(({ value }) => value)
    expect(await Promise.all(Array.from({ length: 20 }, () => add('one')))).toEqual(Array(20).fill(1))
    expect([await add(), await add('two'), await add('one')]).toEqual([2, 3, 3])
    const other = { ...ann, principal: { ...ann.principal, id: 'agt_other' } }
    expect(await add('one', { ...other, userId: ann.principal.id })).toBe(4)
    const change = (sql: string) =>
      bench.database.transaction({ role: 'soma_worker', tenantId: ann.tenantId }, (session) => session.query(sql))
    await change("update memory.applied_changes set at = now() - interval '25 hours' where request like '%one'")
    await bench.sweep()
    expect(await change('select from memory.applied_changes')).toHaveLength(1)
    await working().delete(ann, { params })
    expect(await add('two')).toBe(1)
  })

  it('appends, merges and removes, and lists by key', async () => {
    const ann = anybody()
    const apply = async (key: string, body: object) =>
      (await working().apply(ann, { params: { ...me, key }, body: body as never })).value
    for (const value of [1, 2, 3]) await apply('list', { op: 'append', value, maxItems: 2 })
    expect(await apply('list', { op: 'remove', value: 2 })).toEqual([3])
    await apply('map', { op: 'merge', patch: { a: 1, b: { c: 2 } } })
    expect(await apply('map', { op: 'merge', patch: { a: null, b: { d: 3 } } })).toEqual({ b: { c: 2, d: 3 } })
    const first = await working().list(ann, { params: me, query: { limit: 1 } })
    expect(first.items.map(({ key }) => key)).toEqual(['list'])
    const rest = await working().list(ann, { params: me, query: { cursor: first.nextCursor as string } })
    expect(rest.items.map(({ key }) => key)).toEqual(['map'])
    expect((await working().list(ann, { params: me, query: { prefix: 'm' } })).items).toHaveLength(1)
    expect(await working().clear(ann, { params: me })).toEqual({ deleted: 2 })
  })

  it('is shared by two agents of one plan, closed to others, gone when the plan ends, and takes nothing more', async () => {
    const tenantId = newId('ten')
    const planner = aMember({ id: 'agt_one', kind: 'agent', userId: 'usr_ann', tenantId })
    const worker = aMember({ id: 'agt_two', kind: 'agent', userId: 'usr_ann', tenantId })
    const stranger = aMember({ id: 'usr_bob', tenantId })
    const { planId } = await bench.plans.plans.create(planner, { body: { title: 'Cook' } })
    const params = { scopeType: 'plan' as const, scopeId: planId, key: 'pot' }
    await working().put(planner, { params, body: { value: 'full' } })
    expect(await working().get(worker, { params })).toMatchObject({ value: 'full', writer: 'agt_one' })
    for (const call of [
      () => working().get(stranger, { params }),
      () => working().put(stranger, { params, body: { value: 1 } }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'not-found' })
    await bench.plans.plans.finish(planner, { params: { planId }, body: { outcome: 'completed' } })
    await bench.settle()
    await expect(working().get(worker, { params })).rejects.toMatchObject({ code: 'not-found' })
    await expect(working().put(worker, { params, body: { value: 1 } })).rejects.toMatchObject({
      code: 'memory-scope-closed',
    })
    await bench.sweep()
  })

  it('of a failed plan stays readable for a while, takes writes again when the plan goes on, and goes at its time', async () => {
    const tenantId = newId('ten')
    const planner = aMember({ id: 'agt_one', kind: 'agent', userId: 'usr_ann', tenantId })
    const { planId } = await bench.plans.plans.create(planner, { body: { title: 'Cook' } })
    const params = { scopeType: 'plan' as const, scopeId: planId, key: 'pot' }
    await working().put(planner, { params, body: { value: 'full' } })
    const put = () => working().put(planner, { params, body: { value: 'empty' } })
    await bench.plans.plans.finish(planner, { params: { planId }, body: { outcome: 'failed' } })
    await bench.settle()
    const failed = bench.events.findLast(({ type }) => type === 'plan.failed') as EventEnvelope
    await bench.sweep()
    expect(await working().get(planner, { params })).toMatchObject({ value: 'full' })
    await expect(put()).rejects.toMatchObject({ code: 'memory-scope-closed' })
    await bench.deliver({ ...failed, type: 'plan.resumed' })
    expect(await put()).toMatchObject({ version: 2 })
    await bench.deliver(failed)
    await bench.database.transaction({ role: 'soma_worker', tenantId }, (session) =>
      session.execute(`update memory.closed_scopes set purge_at = now() - interval '1 second'`),
    )
    await bench.sweep()
    await expect(working().get(planner, { params })).rejects.toMatchObject({ code: 'not-found' })
  })

  it('what expired is swept, and only that', async () => {
    const ann = anybody()
    await working().put(ann, { params: { ...me, key: 'kept' }, body: { value: 1, ttlMs: 600_000 } })
    await working().put(ann, { params: { ...me, key: 'over' }, body: { value: 1, ttlMs: 1 } })
    await expect
      .poll(() =>
        working()
          .list(ann, { params: me, query: {} })
          .then(({ items }) => items.length),
      )
      .toBe(1)
    await bench.sweep()
    const keys = await bench.database.transaction({ role: 'soma_worker', tenantId: ann.tenantId }, (session) =>
      session.query('select key from memory.working_items'),
    )
    expect(keys).toEqual([{ key: 'kept' }])
  })
})
