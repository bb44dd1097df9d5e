import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Kafka, logLevel } from 'kafkajs'

/** A bus as its own client uses it: one stream, one reader, durable before the publish is answered. */
export interface BareClient {
  /** Resolves when the server has stored it. */
  publish(number: number, value: string): Promise<unknown>
  /** Called by the reader. */
  handled: (number: number) => void
  close(): Promise<void>
}

/** On the server at `url`, in a stream or topic with the settings of Soma's own. */
export async function openBareClient(bus: 'NATS' | 'Kafka', url: string): Promise<BareClient> {
  const parts = { handled: (_number: number): void => undefined }
  const opened = await (bus === 'NATS' ? openNats : openKafka)(url, (number) => parts.handled(number))
  return Object.assign(parts, opened)
}

type Opened = Omit<BareClient, 'handled'>
const NUMBER = 'number'

async function openNats(url: string, handle: (number: number) => void): Promise<Opened> {
  const nats = await connect({ servers: [url] })
  const manager = await jetstreamManager(nats)
  await manager.streams.add({ name: 'bare', subjects: ['bare'], storage: StorageType.File })
  const { name } = await manager.consumers.add('bare', {
    name: 'reader',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.New,
    max_ack_pending: 100_000,
  })
  const stream = jetstream(nats)
  const messages = await (await stream.consumers.get('bare', name)).consume({ max_messages: 1_000 })
  const reading = (async () => {
    for await (const message of messages) {
      handle(Number(message.string().slice(0, message.string().indexOf(' '))))
      message.ack()
    }
  })()
  return {
    publish: (number, value) => stream.publish('bare', `${number} ${value}`),
    close: async () => {
      await messages.close()
      await reading
      await nats.close()
    },
  }
}

async function openKafka(url: string, handle: (number: number) => void): Promise<Opened> {
  const kafka = new Kafka({ brokers: [url], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [{ topic: 'bare', numPartitions: 16, replicationFactor: 1 }],
    waitForLeaders: true,
  })
  await admin.disconnect()
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 5 })
  await producer.connect()
  const consumer = kafka.consumer({ groupId: 'bare', maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'bare', fromBeginning: true })
  const isJoined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.run({
    partitionsConsumedConcurrently: 16,
    eachMessage: async ({ message }) => handle(Number(message.headers?.[NUMBER])),
  })
  await isJoined
  return {
    publish: (number, value) =>
      producer.send({
        topic: 'bare',
        acks: -1,
        messages: [{ key: `${number % 1_000}`, value, headers: { [NUMBER]: `${number}` } }],
      }),
    close: async () => {
      await consumer.disconnect()
      await producer.disconnect()
    },
  }
}
