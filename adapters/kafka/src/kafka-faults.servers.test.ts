import { type AppendRecord, LOG_START, silentLogger } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { aPrefix, openBus } from '../testing/kafka-servers.ts'
import { anOutsideProgram, type OutsideProgram } from '../testing/outside-program.ts'
import { createCluster } from './cluster.ts'
import { createPartitionWriter, planAppend } from './partition-writer.ts'
import { createProducerIdentity } from './producer.ts'
import { transmit } from './transmission.ts'

const server = process.env['KAFKA_BROKERS']
if (server === undefined) throw new Error('KAFKA_BROKERS is missing: run npm run test:servers')

let outside: OutsideProgram
beforeAll(async () => {
  outside = await anOutsideProgram(server)
})
afterAll(() => outside.close())

let made = 0
const aRecord = (record: Partial<AppendRecord> = {}): AppendRecord => {
  made += 1
  const eventId = `evt-${made}`
  const envelope = JSON.stringify({ id: eventId })
  return {
    topic: 'memory',
    part: 0,
    tenantId: 'tenant-a',
    eventId,
    type: 'thing.done',
    key: 'k',
    userId: null,
    envelope,
    ...record,
  }
}
const all = { topic: 'memory', part: 0, after: LOG_START, limit: 100 }
const unavailable = (detail: string) => ({
  code: 'unavailable',
  message: expect.stringContaining(detail) as string,
})

describe('what Kafka holds', () => {
  it('EVT-R58 EVT-R61 a record lies in its partition under tenant and key, with its attributes as ce_ headers, and no group is joined', async () => {
    const prefix = aPrefix()
    const bus = await openBus(server, { prefix })
    const attributes = { id: 'one', source: '/agents/ä', type: 'thing.done', tenantid: 'tenant-a', specversion: '1.0' }
    const envelope = JSON.stringify({ ...attributes, data: { a: 1 } })
    await bus.append([aRecord({ part: 3, eventId: 'one', key: 'plan/1', envelope })])
    await bus.read({ ...all, part: 3 })
    const { groups } = await outside.admin.listGroups()
    expect(groups.filter(({ groupId }) => groupId.startsWith(prefix))).toEqual([])
    const { key, value, headers } = await outside.readLast(`${prefix}.memory`, 3)
    expect({ key, value }).toEqual({ key: 'tenant-a/plan/1', value: envelope })
    expect(headers).toEqual({
      'content-type': 'application/cloudevents+json',
      'soma-key': 'plan/1',
      ...Object.fromEntries(Object.entries(attributes).map(([name, text]) => [`ce_${name}`, text])),
    })
    await bus.close()
  })

  it('EVT-R61 a batch that is sent again, because its answer was lost, is stored once', async () => {
    const names = { prefix: aPrefix(), partitions: 4 }
    await (await openBus(server, names)).close()
    const cluster = createCluster({ brokers: [server], tls: undefined, sasl: undefined, log: silentLogger }, [
      `${names.prefix}.memory`,
    ])
    const producer = await createProducerIdentity(cluster, names).current()
    const writer = createPartitionWriter({ topic: 'memory', part: 0 }, 0)
    const { batches } = planAppend(writer, [aRecord(), aRecord()], producer)
    for (let time = 0; time < 3; time++) {
      // As if nothing had been heard of it.
      for (const batch of batches) batch.offset = undefined
      writer.end = 0
      expect((await transmit(cluster, names, batches)).reasons).toEqual([])
      expect(batches.map(({ offset }) => offset)).toEqual([0])
    }
    cluster.close()
    const bus = await openBus(server, names)
    expect(await bus.read(all)).toHaveLength(2)
    await bus.close()
  })

  it('EVT-R61 offsets that another program commits are its own: reading goes by our positions alone, and commits none', async () => {
    const prefix = aPrefix()
    const bus = await openBus(server, { prefix })
    const topic = `${prefix}.memory`
    await bus.append([aRecord(), aRecord(), aRecord()])
    await outside.readLast(topic, 0)
    const [theirs] = await outside.admin.fetchOffsets({ groupId: `outside-${topic}-0-2`, topics: [topic] })
    const atTheEnd = expect.objectContaining({ partition: 0, offset: '3' })
    expect(theirs?.partitions).toContainEqual(atTheEnd)
    for (const position of [0, 2, 1]) {
      const [next] = await bus.read({ ...all, after: { segment: 1, position } })
      expect(next?.position).toBe(position + 1)
    }
    const [after] = await outside.admin.fetchOffsets({ groupId: `outside-${topic}-0-2`, topics: [topic] })
    expect(after?.partitions).toContainEqual(atTheEnd)
    const { groups } = await outside.admin.listGroups()
    expect(groups.filter(({ groupId }) => groupId.includes(prefix))).toHaveLength(1)
    await bus.close()
  })

  it('positions stay dense beside the transactions of another program, kept or aborted', async () => {
    const prefix = aPrefix()
    const bus = await openBus(server, { prefix })
    const theirs = { topic: `${prefix}.memory`, partition: 0, value: 'theirs' }
    const producer = { transactionalId: `${prefix}-other`, idempotent: true, maxInFlightRequests: 1 }
    await bus.append([aRecord({ eventId: 'first' })])
    await outside.write(theirs, { producer })
    await outside.write({ ...theirs, value: 'taken back' }, { producer, abort: true })
    // The coordinator answers before its marker is in the partition.
    await vi.waitFor(async () => expect((await bus.partitions('memory'))[0]?.position).toBe(5), 10_000)
    const [last] = await bus.append([aRecord({ eventId: 'last' })])
    const read = await bus.read(all)
    expect(read.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6])
    expect(last?.position).toBe(6)
    expect(read.map(({ envelope, type }) => (type === '' ? envelope : type))).toEqual([
      'thing.done',
      'theirs',
      '',
      '',
      '',
      'thing.done',
    ])
    expect((await bus.partitions('memory'))[0]?.position).toBe(6)
    for (let position = 0; position < 6; position++) {
      const [next] = await bus.read({ ...all, after: { segment: 1, position }, limit: 1 })
      expect(next?.position).toBe(position + 1)
    }
    await bus.close()
  })

  it('a record that does not fit one batch with the others is stored in its place', async () => {
    const bus = await openBus(server)
    const large = (eventId: string) => aRecord({ eventId, envelope: JSON.stringify({ text: 'ü'.repeat(130_000) }) })
    const records = Array.from({ length: 9 }, (_, n) => (n % 2 === 0 ? large(`e${n}`) : aRecord({ eventId: `e${n}` })))
    const positions = await bus.append(records)
    expect(positions.map(({ position }) => position)).toEqual(records.map((_, n) => n + 1))
    expect((await bus.read(all)).map(({ eventId }) => eventId)).toEqual(records.map(({ eventId }) => eventId))
    await bus.close()
  })
})

describe('two processes', () => {
  it('EVT-R59 EVT-R61 a relay that was paused is refused where its successor has written, writes nothing there, and may take over again', async () => {
    const prefix = aPrefix()
    const paused = await openBus(server, { prefix })
    await paused.append([aRecord({ eventId: 'one' })])
    const successor = await openBus(server, { prefix })
    await successor.append([aRecord({ eventId: 'two' })])
    await expect(paused.append([aRecord({ eventId: 'two' })])).rejects.toMatchObject(unavailable('EPOCH'))
    await successor.append([aRecord({ eventId: 'three' })])
    await paused.append([aRecord({ eventId: 'four' })])
    await expect(successor.append([aRecord({ eventId: 'four' })])).rejects.toMatchObject(unavailable('EPOCH'))
    expect((await paused.read(all)).map(({ eventId }) => eventId)).toEqual(['one', 'two', 'three', 'four'])
    await paused.close()
    await successor.close()
  })

  it('opening a log or reading it fences nobody', async () => {
    const prefix = aPrefix()
    const relay = await openBus(server, { prefix })
    await relay.append([aRecord({ eventId: 'one' })])
    const reader = await openBus(server, { prefix })
    expect(await reader.read(all)).toHaveLength(1)
    await relay.append([aRecord({ eventId: 'two' })])
    expect(await reader.read(all)).toHaveLength(2)
    await relay.close()
    await reader.close()
  })
})

describe('topics that are not what they were', () => {
  it('a topic that is deleted under us is red, and one that is made again is refused, for readers and writers', async () => {
    const prefix = aPrefix()
    const bus = await openBus(server, { prefix })
    const topic = `${prefix}.memory`
    await bus.append([aRecord(), aRecord()])
    await outside.admin.deleteTopics({ topics: [topic] })
    await expect(bus.read(all)).rejects.toMatchObject(unavailable('UNKNOWN_TOPIC'))
    await expect(bus.partitions('memory')).rejects.toMatchObject({ code: 'unavailable' })
    await outside.admin.createTopics({ topics: [{ topic, numPartitions: 4, replicationFactor: 1 }] })
    const again = unavailable(`${topic} was deleted and made again`)
    await expect(bus.read(all)).rejects.toMatchObject(again)
    await expect(bus.append([aRecord()])).rejects.toMatchObject(again)
    await expect(bus.partitions('memory')).rejects.toMatchObject(again)
    await expect(bus.positionAt('memory', 0, new Date())).rejects.toMatchObject(again)
    await expect(bus.read({ ...all, topic: 'audit' })).resolves.toEqual([])
    await bus.close()
  }, 60_000)

  it('an append that is the first to meet a topic made again is not answered', async () => {
    const prefix = aPrefix()
    const bus = await openBus(server, { prefix })
    const topic = `${prefix}.memory`
    await bus.append([aRecord(), aRecord(), aRecord()])
    await outside.admin.deleteTopics({ topics: [topic] })
    await outside.admin.createTopics({ topics: [{ topic, numPartitions: 4, replicationFactor: 1 }] })
    await expect(bus.append([aRecord()])).rejects.toMatchObject(unavailable('made again'))
    await bus.close()
  })

  it('a start is refused while a topic is gone and others hold events', async () => {
    const prefix = aPrefix()
    const bus = await openBus(server, { prefix })
    await bus.append([aRecord({ topic: 'audit' })])
    await bus.close()
    await outside.admin.deleteTopics({ topics: [`${prefix}.memory`] })
    await expect(openBus(server, { prefix })).rejects.toThrow(
      `${prefix}.memory is gone while ${prefix}.audit holds events`,
    )
  })
})

describe('topics that would break a promise', () => {
  it('EVT-R61 in production one broker is refused by the topic and its replication factor, made by us or found', async () => {
    const prefix = aPrefix()
    await expect(openBus(server, { prefix, production: true })).rejects.toThrow(
      /topic test-[\w.-]+ with replication factor 3/,
    )
    const bus = await openBus(server, { prefix })
    await bus.close()
    await expect(openBus(server, { prefix, production: true })).rejects.toThrow(
      /topic test-[\w.-]+ has replication factor 1: in production it must be 3/,
    )
  })

  it('EVT-R61 topics that others made with unsafe settings or another partition count are refused by name', async () => {
    const prefix = aPrefix()
    const bus = await openBus(server, { prefix })
    await bus.close()
    // What is not said again is the default of Kafka.
    const kept = { 'retention.ms': '-1', 'message.timestamp.type': 'LogAppendTime', 'compression.type': 'uncompressed' }
    const refused = async (setting: string, value: string, wanted: string) => {
      const configEntries = Object.entries({ ...kept, [setting]: value }).map(([name, each]) => ({ name, value: each }))
      const resources = [{ type: 2, name: `${prefix}.audit`, configEntries }]
      await outside.admin.alterConfigs({ validateOnly: false, resources })
      const reason = `${prefix}.audit has ${setting}=${value}: set ${wanted}`
      await expect(openBus(server, { prefix })).rejects.toThrow(reason)
    }
    await refused('unclean.leader.election.enable', 'true', 'false')
    await refused('retention.ms', '1000', '-1')
    await expect(openBus(server, { prefix, partitions: 5 })).rejects.toThrow('events.partitions is 5')
  })

  it('with one replica durability power asks the broker to sync each append', async () => {
    const prefix = aPrefix()
    const bus = await openBus(server, { prefix, durability: 'power' })
    await bus.append([aRecord()])
    await bus.close()
    const { resources } = await outside.admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: `${prefix}.memory`, configNames: ['flush.messages'] }],
    })
    expect(resources[0]?.configEntries[0]?.configValue).toBe('1')
    const weak = aPrefix()
    await (await openBus(server, { prefix: weak })).close()
    await expect(openBus(server, { prefix: weak, durability: 'power' })).rejects.toThrow('flush.messages')
  })

  it('no broker, a wrong address and a closed bus are problems in time', async () => {
    await expect(openBus('127.0.0.1:1')).rejects.toMatchObject(unavailable('Kafka cannot be reached'))
    await expect(openBus('nowhere')).rejects.toThrow('"nowhere" is no Kafka broker')
    const bus = await openBus(server, { log: silentLogger })
    await bus.close()
    await expect(bus.read(all)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
