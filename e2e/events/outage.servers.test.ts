import { contract, defineModule, type EventEnvelope, onTopic, silentLogger } from '@soma/kernel'
import { type OwnServer, ownServer, until } from '@soma/runtime/testing'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const KEYS = 5
/** Of one installation: its processes open each other's sealed events. */
const SECRET = 'shared-by-the-processes-of-one-installation'
const ADDRESS = { nats: 'events.natsUrl', kafka: 'events.kafkaBrokers' } as const

/** A module that remembers what it was given. */
function aWitness(seen: EventEnvelope[]) {
  return defineModule({
    contract: contract({
      module: 'witness',
      summary: 'What was seen?',
      operations: {},
      events: [],
      capabilities: {},
      settings: {},
    }),
    uses: {},
    create: () => ({
      operations: {},
      handlers: [onTopic('business-facts', 'outage.seen', async ({ event }) => void seen.push(event))],
    }),
  })
}

describe.each(['nats', 'kafka'] as const)('with the log on %s', (bus) => {
  const seen: EventEnvelope[] = []
  let away: OwnServer
  let server: RunningServer

  beforeAll(async () => {
    away = await ownServer(bus)
    server = await startServer({
      platform: { ...somaPlatform, modules: [...somaPlatform.modules, aWitness(seen)] },
      sources: {
        flags: {
          mode: 'developer-light',
          'server.port': 0,
          'server.dataDirectory': 'memory',
          'server.clusterSecret': SECRET,
          'events.bus': bus,
          [ADDRESS[bus]]: away.url,
          'events.durability': 'process',
          'events.validation': 'warn',
        },
      },
      log: silentLogger,
    })
  }, 120_000)
  afterAll(async () => {
    await server.stop()
    await away.end()
  })

  async function publish(number: number): Promise<number> {
    const response = await fetch(`${server.url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        topic: 'business-facts',
        type: 'outage.seen',
        partitionKey: `key-${number % KEYS}`,
        data: { number },
      }),
    })
    await response.arrayBuffer()
    return response.status
  }

  const readiness = async () => {
    const response = await fetch(`${server.url}/ready`)
    return { code: response.status, ...((await response.json()) as { status: string; checks: { name: string }[] }) }
  }

  it('while the bus is away publishing goes on and readiness degrades; when it is back everything arrives once, in order per key', async () => {
    const numbers = Array.from({ length: 120 }, (_, number) => number)
    for (const number of numbers.slice(0, 20)) expect(await publish(number)).toBe(201)
    await until(() => seen.length === 20)
    expect(await readiness()).toMatchObject({ code: 200, status: 'ready' })

    await away.stop()
    const startedAt = performance.now()
    for (const number of numbers.slice(20)) expect(await publish(number)).toBe(201)
    expect((performance.now() - startedAt) / 100).toBeLessThan(200)
    await until(async () => (await readiness()).status === 'degraded')
    expect(await readiness()).toMatchObject({
      code: 200,
      checks: expect.arrayContaining([expect.objectContaining({ name: 'bus', ok: false })]) as unknown,
    })
    expect(server.spine.outboxRows()).toBeGreaterThanOrEqual(100)

    await away.start()
    await until(() => seen.length >= 120)
    await until(async () => (await readiness()).status === 'ready')
    expect(seen).toHaveLength(120)
    for (let key = 0; key < KEYS; key++) {
      const ofKey = seen.filter((event) => event.partitionkey === `key-${key}`)
      expect(ofKey.map((event) => (event.data as { number: number }).number)).toEqual(
        numbers.filter((number) => number % KEYS === key),
      )
    }
  }, 120_000)

  it('what is on the bus is listed and found by id, and a stream of its history ends where the live one begins', async () => {
    const list = async (query: string) =>
      (await fetch(`${server.url}/v1/events?${query}`)).json() as Promise<{ items: EventEnvelope[] }>
    await until(async () => (await list('type=outage.seen&limit=200')).items.length === 120)
    const [newest] = (await list('type=outage.seen&limit=1')).items
    const found = await fetch(`${server.url}/v1/events/${newest?.id}`)
    expect(await found.json()).toEqual(newest)
    expect(seen.find((event) => event.id === newest?.id)).toEqual(newest)

    const ended = new AbortController()
    const stream = await fetch(`${server.url}/v1/events/stream?topics=business-facts&from=earliest`, {
      signal: ended.signal,
    })
    const frames = (stream.body as ReadableStream<Uint8Array>)[Symbol.asyncIterator]()
    const decoder = new TextDecoder()
    let text = ''
    const countOf = () => text.split('"type":"outage.seen"').length - 1
    while (countOf() < 120) text += decoder.decode((await frames.next()).value, { stream: true })
    expect(await publish(120)).toBe(201)
    while (countOf() < 121) text += decoder.decode((await frames.next()).value, { stream: true })
    expect(text.match(/"number":\d+/g)).toHaveLength(121)
    ended.abort()
  }, 30_000)

  it('a process with another bus or partition count does not start beside the others', async () => {
    const change = (settings: Record<string, unknown>) =>
      startServer({
        platform: somaPlatform,
        database: { ...server.database, close: async () => undefined },
        sources: {
          flags: {
            mode: 'developer-light',
            'server.port': 0,
            'server.dataDirectory': 'memory',
            'server.clusterSecret': SECRET,
            'events.bus': bus,
            [ADDRESS[bus]]: away.url,
            'events.durability': 'process',
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
