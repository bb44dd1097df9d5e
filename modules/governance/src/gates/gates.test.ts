import { createSchemaCompiler } from '@soma/adapter-ajv'
import { canonicalJson, newId, silentLogger } from '@soma/kernel'
import { createJobs } from '@soma/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type * as z from 'zod'
import { type Gate, governanceContract, type openGate } from '../../contract/index.ts'
import { aContext, type Bench, openBench } from '../../testing/index.ts'
import { governanceModule } from '../module.ts'
import { hashOf } from './payload.ts'

/** An embedded database opens in half a second, on a busy machine in many. */
const OPENING_MS = 60_000

const modules = [{ definition: governanceModule, ports: { schemaCompiler: createSchemaCompiler(), planEndings: [] } }]
const reviewer = (id: string) => aContext({ id, roles: ['Reviewer'] })
const agent = aContext({ id: 'agt_planner', kind: 'agent' })
const ann = reviewer('usr_ann')
const bob = reviewer('usr_bob')
const PAST = '2020-01-01T00:00:00.000Z'

let bench: Bench
const gates = () => bench.client(governanceContract).gates
const open = (changes: Partial<z.input<typeof openGate>> = {}, context = agent) =>
  gates().open(context, {
    body: { kind: 'review', title: 'Write the files', payload: { files: { a: '1' } }, ...changes },
  })
const decide = (gate: Gate, context = ann, changes: Record<string, unknown> = {}) =>
  gates().decide(context, {
    params: { gateId: gate.gateId },
    body: { decision: 'approve', payloadHash: gate.payloadHash, ...changes },
  })
const get = (gate: Gate) => gates().get(ann, { params: { gateId: gate.gateId } })
const eventsOf = (gate: Gate, type: string) =>
  bench.events.filter((event) => event.type === type && (event.data as { gateId?: string }).gateId === gate.gateId)

beforeAll(async () => {
  bench = await openBench({ modules })
}, OPENING_MS)
afterAll(() => bench.close())

describe('opening', () => {
  test('writes the gate and says so with the key of its plan, else its own', async () => {
    const planId = newId('plan')
    const gate = await open({ subject: { planId, taskId: 'write' } })
    expect(gate).toMatchObject({
      status: 'open',
      outcome: null,
      requesterId: 'agt_planner',
      round: 1,
      edited: false,
      votes: [],
    })
    expect(gate.payloadHash).toBe(hashOf('{"files":{"a":"1"}}'))
    expect(eventsOf(gate, 'gate.opened')).toMatchObject([
      { planid: planId, taskid: 'write', data: { payloadHash: gate.payloadHash, title: 'Write the files' } },
    ])
    const free = await open()
    expect(eventsOf(free, 'gate.opened')).toMatchObject([{ partitionkey: free.gateId }])
  })

  test('twice under one id with one body is one gate, with another body a conflict', async () => {
    const gateId = newId('gate')
    const first = await open({ gateId })
    expect(await open({ gateId, payload: { files: { a: '1' } } })).toEqual({ ...first, timeLeftMs: expect.any(Number) })
    expect(eventsOf(first, 'gate.opened')).toHaveLength(1)
    await expect(open({ gateId, payload: { files: {} } })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('under one Idempotency-Key is one gate also without an id', async () => {
    const body = { kind: 'review' as const, title: 'Once', payload: 1 }
    const [first, second] = [
      await gates().open(agent, { body, idempotencyKey: 'k1' }),
      await gates().open(agent, { body, idempotencyKey: 'k1' }),
    ]
    expect(second.gateId).toBe(first.gateId)
  })

  test('is refused with a schema for edits that cannot be used, and with a payload over 256 KiB', async () => {
    const broken = open({ editSchema: { type: 'objct' } })
    await expect(broken).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [{ pointer: '/body/editSchema/type' }] },
    })
    await expect(open({ payload: 'x'.repeat(262_144) })).rejects.toMatchObject({ code: 'payload-too-large' })
  })
})

describe('deciding', () => {
  test('one approval of anybody who may decide is enough by default, but not the own one', async () => {
    const gate = await open({}, ann)
    await expect(decide(gate, ann)).rejects.toMatchObject({ code: 'not-a-decider' })
    const decided = await decide(gate, bob, { reason: 'looks right' })
    expect(decided).toMatchObject({
      status: 'approved',
      outcome: 'approved',
      decidedBy: ['usr_bob'],
      votes: [{ principalId: 'usr_bob', reason: 'looks right' }],
    })
    expect(eventsOf(gate, 'gate.decided')).toMatchObject([
      { data: { outcome: 'approved', payloadHash: gate.payloadHash, edited: false, deciders: ['usr_bob'] } },
    ])
  })

  test('the requester may approve where the requirement says so', async () => {
    const gate = await open({ requirements: [{ excludeRequester: false }] }, ann)
    expect(await decide(gate, ann)).toMatchObject({ status: 'approved' })
  })

  test('only a holder of the role, or the principal named, may vote', async () => {
    const gate = await open({ requirements: [{ deciders: [{ role: 'Legal' }, { principal: 'usr_bob' }] }] })
    await expect(decide(gate, ann)).rejects.toMatchObject({ code: 'not-a-decider' })
    expect(await decide(gate, bob)).toMatchObject({ status: 'approved' })
  })

  test('an absent gate and one of another tenant look the same', async () => {
    const gate = await open()
    const foreigner = aContext({ id: 'usr_eve', tenantId: 'other' })
    const foreign = await gates()
      .get(foreigner, { params: { gateId: gate.gateId } })
      .catch((error: Error) => error)
    expect(foreign).toMatchObject({ code: 'not-found', message: `no gate ${gate.gateId}` })
    await expect(decide(gate, foreigner)).rejects.toMatchObject({ code: 'not-found' })
    expect((await gates().list(foreigner, {})).items).toEqual([])
  })

  test('many at once answers each on its own', async () => {
    const [one, two] = [await open(), await open()]
    await decide(one)
    const votes = [one, two].map(({ gateId, payloadHash }) => ({ gateId, payloadHash, decision: 'approve' as const }))
    const { results } = await gates().decideMany(ann, { body: { votes } })
    expect(results).toMatchObject([
      { gateId: one.gateId, problem: { code: 'gate-closed', status: 409 } },
      { gateId: two.gateId, gate: { status: 'approved' } },
    ])
  })

  test('GOV-R45 of two votes at the same moment one decides, with one gate.decided; until then a vote may change, after it none counts', async () => {
    const gate = await open({ requirements: [{ quorum: 1 }] })
    const race = await Promise.allSettled([decide(gate, ann), decide(gate, bob, { decision: 'reject' })])
    expect(race.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(race.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'gate-closed' } })
    expect(eventsOf(gate, 'gate.decided')).toHaveLength(1)

    const pair = await open({ requirements: [{ quorum: 2 }], rejectPolicy: 'majority' })
    await decide(pair, ann, { decision: 'reject' })
    expect(await decide(pair, ann)).toMatchObject({ status: 'open', votes: [{ decision: 'approve' }] })
    expect(await decide(pair, bob)).toMatchObject({ status: 'approved' })
    await expect(decide(pair, ann, { decision: 'reject' })).rejects.toMatchObject({ code: 'gate-closed', status: 409 })
    expect(eventsOf(pair, 'gate.decided')).toHaveLength(1)
  })

  test('GOV-R46 a vote names the payload it saw; a changed payload begins a round in which older votes fall; what is approved is what was shown', async () => {
    const gate = await open({ requirements: [{ quorum: 2 }], editSchema: { type: 'object' } })
    await decide(gate, ann)
    const other = hashOf('{}')
    await expect(decide(gate, bob, { payloadHash: other })).rejects.toMatchObject({
      code: 'payload-changed',
      status: 409,
      extensions: { payloadHash: gate.payloadHash },
    })
    const edited = await decide(gate, bob, { edits: { files: { a: '2' } } })
    expect(edited).toMatchObject({ status: 'open', round: 2, edited: true, payload: { files: { a: '2' } } })
    await expect(decide(gate, ann)).rejects.toMatchObject({ code: 'payload-changed' })
    const decided = await decide(edited, ann)
    expect(decided).toMatchObject({ status: 'approved', decidedBy: ['usr_bob', 'usr_ann'] })
    expect(hashOf(canonicalJson(decided.payload))).toBe(edited.payloadHash)
    expect(eventsOf(gate, 'gate.decided')).toMatchObject([{ data: { payloadHash: edited.payloadHash, edited: true } }])
  })

  test('GOV-R50 revise sends instructions back three times, then counts as a rejection', async () => {
    const subject = { planId: newId('plan'), taskId: 'review' }
    const outcomes = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      const gate = await open({ subject })
      await decide(gate, ann, { decision: 'revise', instructions: `shorter, ${attempt}` })
      outcomes.push(eventsOf(gate, 'gate.decided').map(({ data }) => data))
    }
    expect(outcomes.flat()).toMatchObject([
      { outcome: 'revise', instructions: 'shorter, 1' },
      { outcome: 'revise', instructions: 'shorter, 2' },
      { outcome: 'revise', instructions: 'shorter, 3' },
      { outcome: 'rejected' },
    ])
  })
})

test('GOV-R43 a gate waits through a crash at no cost, and its decision afterwards resumes who waits', async () => {
  const planId = newId('plan')
  const gate = await open({ subject: { planId } })
  const restarted = await openBench({ modules, database: bench.database })
  const leases = await bench.database.transaction({ role: 'soma_scheduler' }, (session) =>
    session.query('select name from runtime.job_leases where owner is not null'),
  )
  expect(leases).toEqual([])
  const body = { decision: 'approve' as const, payloadHash: gate.payloadHash }
  await restarted.client(governanceContract).gates.decide(ann, { params: { gateId: gate.gateId }, body })
  expect(restarted.events.filter(({ type }) => type === 'gate.decided')).toMatchObject([
    { planid: planId, data: { gateId: gate.gateId, outcome: 'approved' } },
  ])
})

describe('edits', () => {
  const files = { 'report.md': 'A', 'fixes.patch': 'B', 'facts.json': 'C' }
  const leaveOut = {
    type: 'object',
    additionalProperties: false,
    properties: {
      files: {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(Object.keys(files).map((name) => [name, { type: 'null' }])),
      },
    },
  }

  test('an approval may leave out any of the files, and nothing else', async () => {
    const gate = await open({ payload: { folder: 'out', files }, editSchema: leaveOut })
    await expect(decide(gate, ann, { edits: { folder: '/etc' } })).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [{ pointer: '/body/edits/folder' }] },
    })
    const decided = await decide(gate, ann, { edits: { files: { 'fixes.patch': null } } })
    expect(decided).toMatchObject({
      status: 'approved',
      edited: true,
      payload: { folder: 'out', files: { 'report.md': 'A', 'facts.json': 'C' } },
    })
    expect(decided.payload).not.toHaveProperty(['files', 'fixes.patch'])
    expect(decided.votes).toMatchObject([
      { edits: { files: { 'fixes.patch': null } }, payloadHash: decided.payloadHash },
    ])
  })

  test('are refused without a schema and beside any decision but approve', async () => {
    const plain = await open()
    await expect(decide(plain, ann, { edits: {} })).rejects.toMatchObject({ code: 'invalid-request' })
    const editable = await open({ editSchema: {} })
    await expect(decide(editable, ann, { decision: 'reject', edits: {} })).rejects.toMatchObject({
      code: 'invalid-request',
    })
    expect(await get(editable)).toMatchObject({ status: 'open', votes: [] })
  })
})

describe('reading', () => {
  test('mine are the open gates at which the caller may vote', async () => {
    const planId = newId('plan')
    const shape = (deciders: z.input<typeof openGate>['requirements']) =>
      open({ subject: { planId }, requirements: deciders })
    const [byRole, byName, anybody, foreign] = [
      await shape([{ deciders: [{ role: 'Reviewer' }] }]),
      await shape([{ deciders: [{ principal: 'usr_ann' }] }]),
      await shape([{}]),
      await shape([{ deciders: [{ role: 'Legal' }] }]),
    ]
    const mine = await gates().list(ann, { query: { mine: 'true', planId } })
    expect(mine.items.map(({ gateId }) => gateId)).toEqual([anybody, byName, byRole].map(({ gateId }) => gateId))
    await decide(anybody)
    expect((await gates().list(bob, { query: { mine: 'true', planId } })).items.map(({ gateId }) => gateId)).toEqual([
      byRole.gateId,
    ])
    expect(
      (await gates().list(ann, { query: { planId, status: 'open' } })).items.map(({ gateId }) => gateId),
    ).toContain(foreign.gateId)
  })

  test('mine leaves out what the caller asked for himself, unless a requirement that names him lets him vote', async () => {
    const planId = newId('plan')
    const own = (requirements: z.input<typeof openGate>['requirements']) =>
      open({ subject: { planId }, requirements }, ann)
    const [closed, plain, named, held, ...others] = [
      await own([{}]),
      await own([{ excludeRequester: false }]),
      await own([{ deciders: [{ principal: 'usr_ann' }], excludeRequester: false }]),
      await own([{ deciders: [{ role: 'Reviewer' }], excludeRequester: false }]),
      await own([{ deciders: [{ principal: 'usr_ann' }] }, { deciders: [{ role: 'Legal' }], excludeRequester: false }]),
      await own([{ deciders: [{ principal: 'usr_bob' }], excludeRequester: false }]),
    ]
    const idsOf = (items: readonly { gateId: string }[]) => items.map(({ gateId }) => gateId)
    const { items } = await gates().list(ann, { query: { mine: 'true', planId } })
    expect(idsOf(items)).toEqual(idsOf([held, named, plain]))
    for (const gate of [closed, ...others]) await expect(decide(gate)).rejects.toMatchObject({ code: 'not-a-decider' })
    for (const gate of [plain, named, held]) expect((await decide(gate)).status).toBe('approved')
  })

  test('a list goes on where its cursor stands', async () => {
    const planId = newId('plan')
    const all = []
    for (let index = 0; index < 5; index++) all.unshift((await open({ subject: { planId } })).gateId)
    const first = await gates().list(ann, { query: { planId, limit: 3 } })
    const rest = await gates().list(ann, { query: { planId, limit: 3, cursor: first.nextCursor as string } })
    expect([...first.items, ...rest.items].map(({ gateId }) => gateId)).toEqual(all)
    expect(rest.nextCursor).toBeNull()
  })

  test('a stream begins with the open gates, tells each change, and resumes after its cursor', async () => {
    const planId = newId('plan')
    const gate = await open({ subject: { planId } })
    const aborted = new AbortController()
    const follow = async (lastEventId?: string) =>
      (
        await gates().stream(ann, {
          query: { planId },
          signal: aborted.signal,
          ...(lastEventId === undefined ? {} : { lastEventId }),
        })
      )[Symbol.asyncIterator]()
    const frames = await follow()
    expect((await frames.next()).value).toMatchObject({ event: 'gate', data: { gateId: gate.gateId, status: 'open' } })
    const next = frames.next()
    await decide(gate)
    const last = (await next).value
    expect(last).toMatchObject({ event: 'gate', data: { gateId: gate.gateId, status: 'approved' } })
    const later = await open({ subject: { planId } })
    const resumed = await follow(last?.id)
    expect((await resumed.next()).value).toMatchObject({ data: { gateId: later.gateId } })
    aborted.abort()
    expect(await frames.next()).toMatchObject({ done: true })
  })
})

describe('without a decision', () => {
  test('a comment is kept and told', async () => {
    const gate = await open()
    expect(await gates().comment(ann, { params: { gateId: gate.gateId }, body: { text: 'why two?' } })).toMatchObject({
      comments: [{ principalId: 'usr_ann', text: 'why two?' }],
    })
    expect(eventsOf(gate, 'gate.commented')).toHaveLength(1)
  })

  test('a cancelled gate is decided as cancelled, and takes no vote', async () => {
    const gate = await open()
    await gates().cancel(ann, { params: { gateId: gate.gateId }, body: { reason: 'plan stopped' } })
    expect(eventsOf(gate, 'gate.decided')).toMatchObject([
      { data: { outcome: 'cancelled', instructions: 'plan stopped' } },
    ])
    await expect(decide(gate)).rejects.toMatchObject({ code: 'gate-closed' })
  })

  test('no vote counts after the due time, also before the sweep has come by', async () => {
    const gate = await open({ dueAt: PAST })
    await expect(decide(gate)).rejects.toMatchObject({ code: 'gate-closed' })
  })

  test('GOV-R51 an expiry fires within 5 s of the due time, also when that was while nothing ran: it denies, or asks the next deciders, and never approves', async () => {
    const refused = open({ onExpire: 'approve' as never })
    await expect(refused).rejects.toMatchObject({ code: 'invalid-request' })
    const missed = await open({ dueAt: PAST })
    const step = { deciders: [{ principal: 'usr_bob' }], dueInMs: 60_000 }
    const climbing = await open({
      dueAt: PAST,
      onExpire: 'escalate',
      escalation: [step],
      requirements: [{ deciders: [{ principal: 'usr_ann' }] }],
    })
    const before = Date.now()
    const restarted = await openBench({ modules, database: bench.database })
    const running = createJobs({
      database: bench.database,
      processId: crypto.randomUUID(),
      log: silentLogger,
      jobs: restarted.modules.flatMap((module) => module.jobs.map((job) => ({ module: module.name, job }))),
    })
    running.start()
    const coming = await restarted.client(governanceContract).gates.open(agent, {
      body: { kind: 'review', title: 'Soon', payload: 1, dueAt: new Date(before + 300).toISOString() },
    })
    const signal = AbortSignal.timeout(8000)
    for await (const frame of await restarted.client(governanceContract).gates.stream(ann, { signal })) {
      if (frame.event === 'gate' && frame.data.gateId === coming.gateId && frame.data.status !== 'open') break
    }
    await running.stop(5_000)
    const expired = await get(coming)
    expect(expired).toMatchObject({ status: 'expired', decidedBy: ['system:expiry'] })
    expect(Date.parse(expired.decidedAt as string) - Date.parse(expired.dueAt)).toBeLessThan(5000)
    expect(await get(missed)).toMatchObject({ status: 'expired', decidedBy: ['system:expiry'] })
    expect(Date.parse((await get(missed)).decidedAt as string) - before).toBeLessThan(5000)
    const decided = restarted.events.filter(
      ({ type, data }) => type === 'gate.decided' && (data as { gateId: string }).gateId === missed.gateId,
    )
    expect(decided).toMatchObject([{ data: { outcome: 'expired', deciders: ['system:expiry'] } }])

    expect(await get(climbing)).toMatchObject({
      status: 'open',
      escalated: 1,
      requirements: [{ deciders: [{ principal: 'usr_bob' }] }],
    })
    await expect(decide(climbing, ann)).rejects.toMatchObject({ code: 'not-a-decider' })
    expect(await decide(climbing, bob)).toMatchObject({ status: 'approved' })
  })
})
