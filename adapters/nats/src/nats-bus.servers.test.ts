import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import { LOG_START, silentLogger } from '@soma/kernel'
import { eventBusConformance, type OutsideEvent, type OutsidePlace } from '@soma/kernel/testing'
import { type OwnServer, ownServer } from '@soma/runtime/testing'
import { describe, expect, it, vi } from 'vitest'
import { openBus } from '../testing/nats-servers.ts'
import { openNatsBus } from './nats-bus.ts'

const url = process.env['NATS_URL']
if (url === undefined) throw new Error('NATS_URL is missing: run npm run test:servers')

const PREFIX = 'conformance'

eventBusConformance({
  name: 'NATS JetStream',
  open: async () => {
    const server = await ownServer('nats')
    const bus = await openBus(server.url, { prefix: PREFIX })
    return {
      bus,
      partitions: 4,
      transaction: (_tenantId, work) => work(undefined),
      server,
      writeFromOutside: (place, event) => writeFromOutside(server.url, place, event),
      readFromOutside: (place) => readFromOutside(server.url, place),
      close: async () => {
        await bus.close()
        await server.end()
      },
    }
  },
})

/** As the CloudEvents NATS binding says, by hand: our own mapping must not be its own judge. */
async function writeFromOutside(server: string, { topic, part }: OutsidePlace, event: OutsideEvent): Promise<void> {
  const nats = await connect({ servers: server })
  const head = headers()
  for (const [name, value] of Object.entries(event.attributes)) head.set(`ce-${name}`, encodeURIComponent(value))
  if (event.attributes['id'] !== undefined) head.set('content-type', 'application/json')
  await jetstream(nats).publish(`${PREFIX}.${topic}.${part}`, event.body, { headers: head })
  await nats.close()
}

async function readFromOutside(server: string, { topic, part }: OutsidePlace): Promise<OutsideEvent> {
  const nats = await connect({ servers: server })
  const manager = await jetstreamManager(nats)
  const stream = await manager.streams.find(`${PREFIX}.${topic}.${part}`)
  const message = await manager.streams.getMessage(stream, { last_by_subj: `${PREFIX}.${topic}.${part}` })
  await nats.close()
  if (message === null) throw new Error('there is no message')
  const attributes = message.header
    .keys()
    .filter((name) => name.startsWith('ce-'))
    .map((name) => [name.slice(3), decodeURIComponent(message.header.last(name))])
  return { attributes: Object.fromEntries(attributes) as Record<string, string>, body: message.string() }
}

describe('a NATS cluster', () => {
  it('EVT-R58 EVT-R60 keeps each partition as a file stream of its own on three servers, without consumers; one of them may go', async () => {
    const servers = await aCluster(3)
    const urls = servers.map((each) => each.url)
    const options = {
      servers: urls,
      partitions: 1,
      replicas: 3,
      durability: 'power',
      serverSyncsAlways: false,
    } as const
    // Until the servers have chosen who leads them.
    const open = () => openNatsBus({ ...options, maxEventBytes: 262_144, log: silentLogger })
    const bus = await vi.waitFor(open, 40_000)
    const record = { topic: 'memory', part: 0, tenantId: 't', type: 'a.b', key: 'k', userId: null }
    const anEvent = (eventId: string) => ({ ...record, eventId, envelope: JSON.stringify({ id: eventId }) })
    const [first] = await bus.append([anEvent('e1')])
    const nats = await connect({ servers: urls })
    const manager = await jetstreamManager(nats)
    const { config, state } = await manager.streams.info('soma_memory_0')
    expect(state.consumer_count).toBe(0)
    expect(config).toMatchObject({ subjects: ['soma.memory.0'], storage: 'file', num_replicas: 3 })
    const message = await manager.streams.getMessage('soma_memory_0', { seq: 1 })
    expect(message?.header.keys()).toEqual(expect.arrayContaining(['Nats-Msg-Id', 'ce-id']))
    await nats.close()

    await servers[2]?.end()
    await vi.waitFor(() => bus.append([anEvent('e2')]), 20_000)
    const read = await bus.read({ topic: 'memory', part: 0, after: LOG_START, limit: 10 })
    expect(read.map(({ eventId, position }) => [eventId, position])).toEqual([
      ['e1', first?.position],
      ['e2', 2],
    ])
    await bus.close()
    await Promise.all(servers.slice(0, 2).map((each) => each.end()))
  })
})

/** Servers that route to one another. */
async function aCluster(size: number): Promise<OwnServer[]> {
  const ports = await freePorts(size)
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ')
  const optionsOf = (port: number) =>
    `server_name: "n${port}"\ncluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`
  return Promise.all(ports.map((port) => ownServer('nats', { NATS_OPTIONS: optionsOf(port) })))
}

async function freePorts(count: number): Promise<number[]> {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(listeners.map((each) => once(each, 'listening')))
  const ports = listeners.map((each) => (each.address() as AddressInfo).port)
  for (const each of listeners) each.close()
  return ports
}

/** Greets like a server of NATS, and answers pings. */
async function aServerThatSays(info: { readonly version: string }) {
  const server = createServer((client) => {
    client.write(`INFO ${JSON.stringify({ server_id: 'old', headers: true, max_payload: 1_048_576, ...info })}\r\n`)
    client.on('data', (bytes) => void (bytes.includes('PING') && client.write('PONG\r\n')))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`, end: () => server.close() }
}

describe('a NATS server that would not keep what was asked for', () => {
  it('EVT-R60 one server without synced writes is refused for durability power, and taken when its operator states them', async () => {
    const unsafe = openBus(url, { durability: 'power' })
    await expect(unsafe).rejects.toThrow('events.natsSyncsAlways')
    const bus = await openBus(url, { durability: 'power', serverSyncsAlways: true })
    await bus.close()
  })

  it('EVT-R60 a server older than 2.11 is refused by its version', async () => {
    for (const version of ['2.10.29', '1.4.1']) {
      const old = await aServerThatSays({ version })
      await expect(openBus(old.url)).rejects.toThrow(`the NATS server is ${version}: 2.11 is the oldest`)
      old.end()
    }
  })

  it('messages that are too small for the largest event are refused at the start', async () => {
    await expect(openBus(url, { maxEventBytes: 1_048_576 })).rejects.toThrow('max_payload')
  })

  it('a batch whose middle the server refuses leaves what is before it and nothing behind it', async () => {
    const bus = await openBus(url)
    const record = { topic: 'memory', part: 0, tenantId: 't', type: 'a.b', key: 'k', userId: null }
    const envelopes = ['"first"', `"${'x'.repeat(1_048_576)}"`, '"third"']
    const batch = envelopes.map((envelope, n) => ({ ...record, eventId: `e${n}`, envelope }))
    await expect(bus.append(batch)).rejects.toMatchObject({ code: 'unavailable' })
    const read = await bus.read({ topic: 'memory', part: 0, after: LOG_START, limit: 10 })
    expect(read.map(({ eventId }) => eventId)).toEqual(['e0'])
    await bus.close()
  })

  it('a server that is not there is unavailable', async () => {
    await expect(openBus('nats://127.0.0.1:1')).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('a stream that was deleted under us is unavailable, never empty, and not made again at the next start', async () => {
    const prefix = 'deleted'
    const bus = await openBus(url, { prefix })
    const record = { part: 0, tenantId: 't', eventId: 'e', type: 'a.b', key: 'k', userId: null, envelope: '{}' }
    await bus.append([
      { ...record, topic: 'memory' },
      { ...record, topic: 'audit' },
    ])
    const nats = await connect({ servers: url })
    const manager = await jetstreamManager(nats)
    await manager.streams.delete(`${prefix}_memory_0`)
    await expect(bus.partitions()).rejects.toMatchObject({ code: 'unavailable' })
    await expect(bus.append([{ ...record, topic: 'memory', eventId: 'f' }])).rejects.toMatchObject({
      code: 'unavailable',
    })
    await expect(openBus(url, { prefix })).rejects.toThrow('deleted_memory_0 is gone')
    await bus.close()
    await nats.close()
  })
})
