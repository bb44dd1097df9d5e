import { createHash } from 'node:crypto'
import type { AppendRecord, EventBus, LogRecord } from '@soma/kernel'

/** A row of the outbox on its way. */
export interface WaitingRecord extends AppendRecord {
  readonly rowId: number
}

/**
 * What a log outside the database holds although its rows still wait: an earlier relay, or this one, died or failed between ship and mark. Not every bus knows event ids, and
 * none for ever, so the relay looks itself.
 */
export interface Shipped {
  /** Those that are not in the log, as far as it was this installation that wrote it last. */
  missing(records: readonly WaitingRecord[]): Promise<WaitingRecord[]>
  appended(records: readonly WaitingRecord[]): void
  /** An append failed, and the log may hold some of it; a bus that knows ids may have forgotten them when it is back. */
  unsure(): void
  marked(records: readonly WaitingRecord[]): void
  /** The outbox is empty: whatever an earlier relay shipped is marked. */
  allMarked(): void
}

/** One an epoch. `mostUnmarked` is the largest batch that any relay ships before it marks. */
export function createShipped(bus: EventBus, mostUnmarked: number): Shipped {
  const tails = new Map<string, Promise<ReadonlySet<string>>>()
  const unmarked = new Set<number>()
  let isInherited = true

  const tailOf = (record: AppendRecord): Promise<ReadonlySet<string>> => {
    const place = `${record.topic}:${record.part}`
    const known = tails.get(place)
    if (known !== undefined) return known
    const tail = readTail(bus, record, mostUnmarked)
    tails.set(place, tail)
    tail.catch(() => tails.delete(place))
    return tail
  }
  return {
    missing: async (records) => {
      const own = records.filter(({ rowId }) => !unmarked.has(rowId))
      if (!isInherited) return own
      const isThere = await Promise.all(own.map(async (record) => (await tailOf(record)).has(digestOf(record))))
      return own.filter((_, index) => isThere[index] === false)
    },
    appended: (records) => {
      for (const { rowId } of records) unmarked.add(rowId)
    },
    unsure: () => {
      isInherited = true
      tails.clear()
    },
    marked: (records) => {
      for (const { rowId } of records) unmarked.delete(rowId)
    },
    allMarked: () => {
      isInherited = false
      tails.clear()
    },
  }
}

async function readTail(bus: EventBus, { topic, part }: AppendRecord, length: number): Promise<ReadonlySet<string>> {
  const state = (await bus.partitions(topic)).find((each) => each.part === part)
  const digests = new Set<string>()
  if (state === undefined) return digests
  let after = { segment: state.segment, position: Math.max(state.oldestPosition - 1, state.position - length) }
  while (after.position < state.position) {
    const records: LogRecord[] = await bus.read({ topic, part, after, limit: length })
    for (const record of records) digests.add(digestOf(record))
    const last = records.at(-1)
    if (last === undefined) break
    after = { segment: last.segment, position: last.position }
  }
  return digests
}

/** An envelope holds tenant, source and id, so equal texts are one event; of the tails of 192 partitions only hashes are kept. */
const digestOf = ({ envelope }: AppendRecord): string => createHash('sha1').update(envelope).digest('base64')
