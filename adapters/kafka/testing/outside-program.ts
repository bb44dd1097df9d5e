import { type Admin, Kafka, logLevel, type ProducerConfig } from 'kafkajs'

/** A program that is not Soma, on a client of others: our own mapping must not be its own judge. */
export interface OutsideProgram {
  readonly admin: Admin
  /** Writes one record; with a transactional id in a transaction, which `abort` ends badly. */
  write(record: OutsideRecord, options?: { producer?: ProducerConfig; abort?: boolean }): Promise<void>
  /** The newest record of a partition. */
  readLast(topic: string, partition: number): Promise<{ headers: Record<string, string>; key: string; value: string }>
  close(): Promise<void>
}

export interface OutsideRecord {
  readonly topic: string
  readonly partition: number
  readonly key?: string
  readonly value: string
  readonly headers?: Record<string, string>
}

export async function anOutsideProgram(brokers: string): Promise<OutsideProgram> {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  return {
    admin,
    write: async ({ topic, partition, key, value, headers = {} }, { producer: config, abort = false } = {}) => {
      const producer = kafka.producer(config)
      await producer.connect()
      const messages = [{ partition, key: key ?? null, value, headers }]
      if (config?.transactionalId === undefined) await producer.send({ topic, messages })
      else {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages })
        await (abort ? transaction.abort() : transaction.commit())
      }
      await producer.disconnect()
    },
    readLast: async (topic, partition) => {
      const offsets = await admin.fetchTopicOffsets(topic)
      const last = Number(offsets.find((each) => each.partition === partition)?.high) - 1
      const consumer = kafka.consumer({ groupId: `outside-${topic}-${partition}-${last}` })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      const found = await new Promise<{ headers: Record<string, string>; key: string; value: string }>((resolve) => {
        void consumer.run({
          eachMessage: async ({ partition: part, message }) => {
            if (part !== partition || Number(message.offset) !== last) return
            const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])
            resolve({
              headers: Object.fromEntries(headers) as Record<string, string>,
              key: String(message.key),
              value: String(message.value),
            })
          },
        })
      })
      await consumer.disconnect()
      return found
    },
    close: () => admin.disconnect(),
  }
}
