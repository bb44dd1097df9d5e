import { type Clock, type Context, type LogReader, type ModuleDatabase, toId, uuidOf } from '@soma/kernel'
import { requireReadings } from '../log/service.ts'
import { readLag } from './store.ts'

export function createLagService(options: {
  database: ModuleDatabase
  reader: LogReader
  clock: Clock
  lagSloMs: number
}) {
  return {
    list: async (context: Context, query: { subscriptionId?: string | undefined; topic?: string | undefined }) => {
      const topic = query.topic === undefined ? null : ([...requireReadings([query.topic]).keys()][0] ?? null)
      const id = query.subscriptionId === undefined ? null : uuidOf('sub', query.subscriptionId)
      const rows = await options.database.transaction(context, (tx) => readLag(tx, { subscriptionId: id, topic }))
      const heads = await headsOf(
        rows.map((row) => row.topic),
        options.reader,
      )
      const now = options.clock.now().getTime()
      return {
        lagSloMs: options.lagSloMs,
        items: rows.map((row) => {
          const head = Math.max(heads.get(`${row.topic}:${row.part}`) ?? row.pos, row.pos)
          return {
            subscriptionId: toId('sub', row.subscription_id),
            name: row.name,
            ...(row.member_id === null ? {} : { memberId: row.member_id }),
            topic: row.topic,
            part: row.part,
            head,
            position: row.pos,
            lag: head - row.pos,
            oldestAgeMs: row.oldest === null ? null : Math.max(0, now - row.oldest.getTime()),
            inFlight: row.in_flight,
            retrying: row.retrying,
            parked: row.parked,
            deadLetters: row.dead,
            isLagging: row.is_lagging,
          }
        }),
      }
    },
  }
}

async function headsOf(topics: readonly string[], reader: LogReader): Promise<Map<string, number>> {
  const states = await Promise.all([...new Set(topics)].map((topic) => reader.heads(topic)))
  return new Map(states.flat().map(({ topic, part, position }) => [`${topic}:${part}`, position]))
}
