import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Delivered, event, type EventEnvelope, on, onTopic, silentLogger, type Topic } from '@soma/kernel'
import { createMemoryLog, type MemoryLog } from '@soma/kernel/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { anEnvelope, type EventSpine, openEventSpine, queue, until } from '../../../testing/index.ts'

let spine: EventSpine
let log: MemoryLog
beforeAll(async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  spine = await openEventSpine(database, { openBus: async (partitions) => (log = createMemoryLog(partitions)) })
}, 60_000)
afterAll(() => spine.close())

const STRUCTURED = { 'content-type': 'application/cloudevents+json' }
const beside = (tenant: string) => ({ ...STRUCTURED, ce_tenantid: tenant, ce_type: 'thing.done' })

interface Letter {
  readonly tenant_id: string
  readonly envelope: string
  readonly pos: number
  readonly problem: { readonly code: string; readonly detail: string }
}

const lettersOf = (group: string) =>
  spine.asBus((session) =>
    session.query<Letter>('select * from events.dead_letter where grp = $1 order by pos', [group]),
  )

/** A group of its own for a topic of its own. */
async function aReader(topic: Topic, handle: (given: Delivered) => Promise<void>) {
  const group = `module:of-${topic}`
  const consumer = spine.consumer([onTopic(topic, '*', handle)], {}, group)
  await consumer.start()
  const write = (headers: Readonly<Record<string, string>>, body: string) =>
    log.write({ topic, part: 0 }, { headers, body })
  return { group, write, stop: () => consumer.stop() }
}

describe('what another program writes, read by the handlers of a module', () => {
  it('EVT-R37 what lacks a mandatory attribute or is no event at all is a dead letter with its text, and the loop goes on in order', async () => {
    const handled: string[] = []
    const { group, write, stop } = await aReader('plan-events', async (given) => void handled.push(given.event.id))
    const good = Array.from({ length: 20 }, () => anEnvelope({ tenantId: 'tenant-a', key: 'one' }))
    const whole = anEnvelope({ tenantId: 'tenant-a', key: 'one' })
    const mandatory = ['id', 'source', 'type', 'specversion', 'tenantid', 'traceparent', 'dataschema']
    const texts = [
      ...mandatory.map((name) => JSON.stringify({ ...whole, [name]: undefined })),
      '',
      'no event',
      '{"half":',
      '"text"',
      '\0',
      JSON.stringify({ ...whole, planid: 7 }),
      JSON.stringify({ ...whole, subject: 'x'.repeat(300) }),
    ]
    for (const [index, event] of good.entries()) {
      write(STRUCTURED, JSON.stringify(event))
      if (index < texts.length) write(beside('tenant-a'), texts[index] as string)
    }
    await until(async () => handled.length === good.length && (await lettersOf(group)).length === texts.length)
    expect(handled).toEqual(good.map(({ id }) => id))
    const letters = await lettersOf(group)
    expect(new Set(letters.map(({ problem }) => problem.code))).toEqual(new Set(['envelope-invalid']))
    expect(new Set(letters.map((letter) => letter.tenant_id))).toEqual(new Set(['tenant-a']))
    expect(letters.map(({ envelope }) => (JSON.parse(envelope) as EventEnvelope).data)).toEqual(texts)
    for (const [index, name] of mandatory.entries()) expect(letters[index]?.problem.detail).toContain(name)
    await stop()
  })

  it('what names two tenants, or none, belongs to neither: the platform is told where it lies, and nobody gets its bytes', async () => {
    const { group, write, stop } = await aReader('task-events', async () => undefined)
    const secret = 'the secret of b'
    const ofB = JSON.stringify(anEnvelope({ tenantId: 'tenant-b', data: { secret } }))
    const first = write(beside('tenant-a'), ofB)
    write(beside('tenant-a'), ofB.slice(0, -10))
    write({}, secret)
    await until(async () => (await lettersOf(group)).length === 3)
    const letters = await lettersOf(group)
    expect(letters.map((letter) => letter.tenant_id)).toEqual(['platform', 'platform', 'platform'])
    for (const letter of letters) expect(JSON.stringify(letter)).not.toContain('secret of b')
    expect(JSON.parse(letters[0]?.envelope ?? '')).toMatchObject({
      sequence: `0-${String(first).padStart(16, '0')}`,
      tenantid: 'platform',
    })
    await stop()
  })

  it('a place that holds nothing is passed by', async () => {
    const { group, write, stop } = await aReader('system-events', async () => undefined)
    write({}, '')
    const head = write(STRUCTURED, JSON.stringify(anEnvelope()))
    const cursors = () =>
      spine.asBus((session) =>
        session.query<{ pos: number }>('select pos from events.cursor where grp = $1 and part = 0 and topic = $2', [
          group,
          'system-events',
        ]),
      )
    await until(async () => (await cursors())[0]?.pos === head)
    expect(await lettersOf(group)).toEqual([])
    await stop()
  })

  it('data that does not fit the schema of a handled type is a dead letter at once, what fits is handled', async () => {
    const seen = queue<unknown>()
    const definition = event({
      type: 'kiosk.sold',
      topic: 'business-facts',
      data: z.strictObject({ cups: z.number() }),
      summary: 'Sold.',
    })
    const group = 'module:strict'
    const consumer = spine.consumer([on(definition, async ({ data }) => seen.push(data))], {}, group)
    await consumer.start()
    for (const data of [{ cups: 'two' }, { cups: 2 }, null, { cups: 3 }]) {
      const { topic: _topic, time: _time, ...sold } = anEnvelope({ type: 'kiosk.sold', key: 'kiosk', data })
      const body = JSON.stringify(sold)
      log.write({ topic: 'business-facts', part: 0 }, { headers: STRUCTURED, body })
    }
    expect([await seen.next(), await seen.next()]).toEqual([{ cups: 2 }, { cups: 3 }])
    await until(async () => (await lettersOf(group)).length === 2)
    const letters = await lettersOf(group)
    expect(letters.map(({ problem }) => problem.code)).toEqual(['schema-mismatch', 'schema-mismatch'])
    expect(letters[0]?.problem.detail).toContain('/data/cups')
    // What the log knows stands in the letter, though the program did not write it.
    const kept = JSON.parse(letters[0]?.envelope ?? '') as EventEnvelope
    expect(kept).toMatchObject({ topic: 'business-facts', time: kept.recordedtime, data: { cups: 'two' } })
    await consumer.stop()
  })
})
