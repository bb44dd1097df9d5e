import { createHash } from 'node:crypto'
import { type AppendRecord, type EventBus, HOLE, type LogRecord, type PartitionState } from '@soma/kernel'

const BATCH = 500
/** Ids of a partition that are remembered: more than it takes within the two minutes in which a bus drops a second record of an id. */
const REMEMBERED = 200_000

export interface CopyOptions {
  readonly from: EventBus
  /** Its positions are those of the installation. */
  readonly to: EventBus
  readonly onCopied: (records: number) => void
}

/** Appends what the other log does not have yet of a partition, each record at its own position. What is there is what an earlier run copied. */
export async function copyPartition(state: PartitionState, copied: number, options: CopyOptions): Promise<void> {
  const { from, to, onCopied } = options
  const { topic, part } = state
  const repeats = createRepeats(to)
  let last = copied
  await repeats.remember(from, {
    topic,
    part,
    after: { segment: 0, position: Math.max(0, last - BATCH) },
    limit: BATCH,
  })
  while (last < state.position) {
    const read = await from.read({ topic, part, after: { segment: 0, position: last }, limit: BATCH })
    const until = Math.min(state.position, read.at(-1)?.position ?? state.position, last + BATCH)
    const records = denseRecords(read, { topic, part, last, until })
    const appended = await to.append(records.map((record) => (repeats.has(record) ? holeAt(record) : record)))
    for (const [index, { position }] of appended.entries())
      if (position !== last + index + 1)
        throw new Error(
          `position ${last + index + 1} of ${topic}:${part} was written at ${position}: somebody else writes to the bus; end that, empty it and begin again`,
        )
    onCopied(records.length)
    last = until
  }
}

/** A record for each position: what the log lost is a hole. */
function denseRecords(
  read: readonly LogRecord[],
  { topic, part, last, until }: { topic: string; part: number; last: number; until: number },
): Placed[] {
  const found = new Map(read.map((record) => [record.position, record]))
  return Array.from({ length: until - last }, (_, index) => {
    const position = last + index + 1
    const record = found.get(position)
    if (record === undefined) return holeAt({ topic, part, position })
    return { ...record, eventId: record.eventId === '' ? nameOf(position) : record.eventId }
  })
}

type Placed = AppendRecord & { readonly position: number }

/** A bus that drops repeats takes records of no event for one another unless each has a name. */
const nameOf = (position: number): string => `position-${position}`

const holeAt = ({ topic, part, position }: Pick<Placed, 'topic' | 'part' | 'position'>): Placed => ({
  ...HOLE,
  topic,
  part,
  position,
  eventId: nameOf(position),
})

/** Second records of one event, which a bus that knows ids would not take: readers drop them anyway. */
function createRepeats(to: EventBus) {
  const known = new Set<string>()
  const digestOf = ({ tenantId, eventId, envelope }: AppendRecord): string =>
    createHash('sha1')
      .update(`${tenantId}\0${sourceOf(envelope)}\0${eventId}`)
      .digest('base64')
  const isRepeat = (record: AppendRecord): boolean => {
    const digest = digestOf(record)
    if (known.has(digest)) return true
    if (known.size >= REMEMBERED) known.clear()
    known.add(digest)
    return false
  }
  return {
    has: (record: AppendRecord): boolean => to.flags.nativeDedupe && isRepeat(record),
    /** What an earlier run has just copied. */
    remember: async (from: EventBus, place: Parameters<EventBus['read']>[0]): Promise<void> => {
      if (!to.flags.nativeDedupe || place.after.position === 0) return
      for (const record of await from.read(place)) isRepeat(record)
    },
  }
}

function sourceOf(envelope: string): unknown {
  try {
    return (JSON.parse(envelope) as { source?: unknown } | null)?.source
  } catch {
    return undefined
  }
}
