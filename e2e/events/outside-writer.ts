import { jetstream } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import { Kafka, logLevel } from 'kafkajs'

/** What a program writes that is not Soma: a body, with CloudEvents attributes beside it or none. */
export interface OutsideMessage {
  readonly topic: string
  readonly part: number
  readonly attributes: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly body: string
}

/** Such a program, on the bus's own client: our adapter must not be its own judge. */
export interface OutsideWriter {
  /** In order; resolves when the bus has stored all. */
  write(messages: readonly OutsideMessage[]): Promise<void>
  close(): Promise<void>
}

export const openOutsideWriter = (bus: 'nats' | 'kafka', url: string): Promise<OutsideWriter> =>
  bus === 'nats' ? openNats(url) : openKafka(url)

async function openNats(url: string): Promise<OutsideWriter> {
  const nats = await connect({ servers: url })
  const stream = jetstream(nats)
  return {
    write: async (messages) => {
      for (const { topic, part, attributes, contentType, body } of messages) {
        const head = headers()
        for (const [name, value] of Object.entries(attributes)) head.set(`ce-${name}`, encodeURIComponent(value))
        if (contentType !== undefined) head.set('content-type', contentType)
        await stream.publish(`soma.${topic}.${part}`, body, { headers: head })
      }
    },
    close: () => nats.close(),
  }
}

async function openKafka(url: string): Promise<OutsideWriter> {
  const producer = new Kafka({ brokers: [url], logLevel: logLevel.NOTHING }).producer({ maxInFlightRequests: 1 })
  await producer.connect()
  return {
    write: async (messages) => {
      const topicMessages = messages.map(({ topic, part, attributes, contentType, body }) => {
        const named = Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value])
        const type = contentType === undefined ? {} : { 'content-type': contentType }
        const message = { partition: part, value: body, headers: { ...Object.fromEntries(named), ...type } }
        return { topic: `soma.${topic}`, messages: [message] }
      })
      await producer.sendBatch({ topicMessages })
    },
    close: () => producer.disconnect(),
  }
}
