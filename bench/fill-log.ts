import { type AppendRecord, newUuid, schemaUri } from '@soma/kernel'
import type { BenchServer } from './bench-module.ts'
import { aLoadEvent } from './load-event.ts'
import { context } from './subscriber.ts'

const BATCH = 1_000

/** Events of `aLoadEvent` straight into the log, as fast as the store takes them. */
export async function fillLog({ server }: BenchServer, from: number, to: number): Promise<void> {
  const { bus } = server.spine
  const { length } = await bus.partitions('business-facts')
  for (let first = from; first < to; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, to - first) }, (_, index) => first + index)
    const records = numbers.map((number) => recordOf(number, number % length))
    if (bus.flags.transactionalWithDatabase)
      await server.database.transaction({ role: 'soma_bus' }, (session) => bus.append(records, session))
    else await bus.append(records)
  }
}

function recordOf(number: number, part: number): AppendRecord {
  const { type, topic, partitionKey, data } = aLoadEvent(number)
  const id = newUuid()
  const { tenantId, traceparent } = context
  const envelope = JSON.stringify({
    specversion: '1.0',
    id,
    source: '/bench',
    type,
    topic,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: schemaUri('load.done', '1.0.0'),
    tenantid: tenantId,
    correlationid: id,
    partitionkey: partitionKey,
    traceparent,
    data,
  })
  return { topic, part, tenantId, eventId: id, type, key: partitionKey, userId: null, envelope }
}
