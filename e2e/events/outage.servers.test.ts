import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventsContract } from '@soma/events/contract'
import { type EventEnvelope, onTopic, silentLogger } from '@soma/kernel'
import { type OwnServer, ownServer, until } from '@soma/runtime/testing'
import { somaPlatform, startServer } from '@soma/server'
import { createTestServer, headersOf, type TestServer, testContext } from '@soma/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chaosContract, chaosModule } from '../chaos/chaos-module.ts'
import { checkAll } from '../chaos/checker.ts'
import { createLoad } from '../chaos/load.ts'
import { aWitness } from './witness.ts'

const ADDRESS = { nats: 'events.natsUrl', kafka: 'events.kafkaBrokers' } as const
const PER_SECOND = 200
/** Of the outage; `OUTAGE_SECONDS=120` is the two minutes of EVT-A4. */
const OUTAGE_MS = 1_000 * Number(process.env['OUTAGE_SECONDS'] ?? 12)
/** Above all that the load publishes while the bus is away, with those that waited before. */
const HIGH_WATER = Math.max(10_000, (OUTAGE_MS / 1_000) * PER_SECOND + 1_000)
/** Each of 10,000 rows. */
const FILL_MS = 60_000 * (HIGH_WATER / 10_000)
const DRAIN_MS = 30_000 * (HIGH_WATER / 10_000)
const CHANGES = 50

/** The first age in seconds at which somebody is told. */
const alertsAt = Number(
  /soma_events_outbox_oldest_age_seconds\) > (\d+)/.exec(
    readFileSync(new URL('../../deploy/prometheus/events.rules.yaml', import.meta.url), 'utf8'),
  )?.[1],
)

describe.each(['nats', 'kafka'] as const)('with the log on %s', (bus) => {
  const seen: EventEnvelope[] = []
  const witness = aWitness([onTopic('business-facts', 'outage.seen', async ({ event }) => void seen.push(event))])
  const context = testContext()
  let directory: string
  let away: OwnServer
  let server: TestServer

  // Processes of one installation have one key, which seals what is on a bus.
  const settingsOf = () => ({
    'server.dataDirectory': directory,
    'events.bus': bus,
    [ADDRESS[bus]]: away.url,
    'events.durability': 'process',
    'events.validation': 'warn',
  })
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'soma-outage-'))
    away = await ownServer(bus)
    server = await createTestServer({
      modules: [
        ...somaPlatform.modules.filter(({ contract }) => ['events', 'registry'].includes(contract.module as string)),
        chaosModule,
        witness,
      ],
      portsOf: (bindings) => somaPlatform.portsOf(bindings),
      settings: {
        ...settingsOf(),
        'events.outboxHighWater': HIGH_WATER,
        'events.quotaEventsPerSecond': 1_000_000,
      },
    })
  }, 120_000)
  afterAll(async () => {
    await server.stop()
    await away.end()
    await rm(directory, { recursive: true, force: true })
  })

  const publish = (number: number) =>
    fetch(`${server.url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headersOf(context) },
      body: JSON.stringify({ topic: 'business-facts', type: 'outage.seen', data: { number } }),
    })
  const readiness = async () => {
    const response = await fetch(`${server.url}/ready`)
    return { code: response.status, ...((await response.json()) as { status: string; checks: { name: string }[] }) }
  }
  const ask = <Row>(sql: string): Promise<Row[]> =>
    server.database.transaction({ role: 'soma_bus' }, (session) => session.query<Row>(sql))
  const outboxRows = async () =>
    (await ask<{ rows: number }>('select count(*)::int4 as rows from events.outbox'))[0]?.rows ?? 0
  const toldAge = async () =>
    Number(
      /^soma_events_outbox_oldest_age_seconds (\S+)$/m.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1],
    )

  it(
    'EVT-A4 EVT-R15 while the bus is away three tenants publish on, the age of the backlog is told, over the high water only the API refuses; when it is back all drains once and in order',
    async () => {
      const load = createLoad([server.url])
      load.start(PER_SECOND)
      await until(() => load.accepted() > 20)
      expect(await readiness()).toMatchObject({ code: 200, status: 'ready' })

      await away.stop()
      const stoppedAt = performance.now()
      await until(async () => (await readiness()).status === 'degraded')
      expect(await readiness()).toMatchObject({
        code: 200,
        checks: expect.arrayContaining([expect.objectContaining({ name: 'bus', ok: false })]) as unknown,
      })
      await until(async () => (await toldAge()) > alertsAt, (alertsAt + 5) * 1_000)
      await until(() => performance.now() - stoppedAt > OUTAGE_MS, OUTAGE_MS)
      expect(load.refused()).toBe(0)
      expect(load.accepted() * 3).toBeGreaterThan((PER_SECOND * OUTAGE_MS * 0.8) / 1_000)

      load.start(10 * PER_SECOND)
      await until(() => load.refused() > 0, FILL_MS)
      expect(await outboxRows()).toBeGreaterThan(HIGH_WATER)
      const refused = await publish(0)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
      await refused.arrayBuffer()
      const { items } = server.client(chaosContract)
      for (let change = 1; change <= CHANGES; change++)
        expect(await items.change(context, { params: { item: 1 }, body: { isTakenBack: false } })).toEqual({
          version: change,
        })

      await away.start()
      await until(async () => (await outboxRows()) < 100, DRAIN_MS)
      await load.end()
      await checkAll({ ask, heads: () => server.spine.bus.partitions() }, { accepted: load.accepted(), groups: [] })
      await until(async () => (await readiness()).status === 'ready')
      const changed = await ask<{ number: number }>(
        `select number from chaos.effects where grp = 'item.changed' order by id`,
      )
      expect(changed.map(({ number }) => number)).toEqual(Array.from({ length: CHANGES }, (_, index) => index + 1))
    },
    300_000 + 2 * OUTAGE_MS,
  )

  it('what is on the bus is listed and found by id, and a stream of its history ends where the live one begins', async () => {
    const { events } = server.client(eventsContract)
    const list = async (limit: number) =>
      (await events.list(context, { query: { type: 'outage.seen', limit } } as never)).items
    for (let number = 0; number < 120; number++) expect((await publish(number)).status).toBe(201)
    await until(async () => seen.length === 120 && (await list(200)).length === 120)
    const [newest] = await list(1)
    const found = await events.get(context, { params: { eventId: newest?.id as string } } as never)
    expect(found).toEqual(newest)
    expect(seen.find((event) => event.id === newest?.id)).toEqual(newest)

    const ended = new AbortController()
    const stream = await fetch(`${server.url}/v1/events/stream?topics=business-facts&types=outage.seen&from=earliest`, {
      signal: ended.signal,
      headers: headersOf(context),
    })
    const frames = (stream.body as ReadableStream<Uint8Array>)[Symbol.asyncIterator]()
    const decoder = new TextDecoder()
    let text = ''
    const countOf = () => text.split('"type":"outage.seen"').length - 1
    while (countOf() < 120) text += decoder.decode((await frames.next()).value, { stream: true })
    expect((await publish(120)).status).toBe(201)
    while (countOf() < 121) text += decoder.decode((await frames.next()).value, { stream: true })
    expect(text.match(/"number":\d+/g)).toHaveLength(121)
    ended.abort()
  }, 60_000)

  it('a process with another bus or partition count does not start beside the others', async () => {
    const change = (settings: Record<string, unknown>) =>
      startServer({
        platform: somaPlatform,
        database: { ...server.database, close: async () => undefined },
        sources: {
          flags: {
            mode: 'developer-light',
            'server.port': 0,
            ...settingsOf(),
            ...settings,
          },
        },
        log: silentLogger,
      })
    await expect(change({ 'events.bus': 'postgres' })).rejects.toThrow(
      `events.bus is postgres, but this installation was started with ${bus}`,
    )
    await expect(change({ 'events.partitions': 8 })).rejects.toThrow(
      'events.partitions is 8, but this installation was started with 16',
    )
    await expect(change({ 'events.emit': 'inline' })).rejects.toThrow('outside the database: use relay')
    await expect(change({ [ADDRESS[bus]]: '' })).rejects.toThrow(`${ADDRESS[bus]} is empty`)
  })
})
