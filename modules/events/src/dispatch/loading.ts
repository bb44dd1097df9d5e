import type { EventEnvelope, LogRecord } from '@soma/kernel'
import { type Group, WINDOW_EVENTS } from './group.ts'
import { type HeldEvent, placeKey } from './held-event.ts'

/** Records read at a time. */
const READ_EVENTS = 256
/** Two events so close are read together, with what lies between them: cheaper than a second query. */
const NEAR = 16

/** The read of one moment: answers the events that the log had. */
interface Batch {
  readonly wanted: HeldEvent[]
  readonly found: Promise<ReadonlySet<HeldEvent>>
}
const batches = new WeakMap<Group, Batch>()

/**
 * Gives an event its record, which memory had let go. Calls of one moment are read together: after a long backlog each key asks for its next event.
 * False when the log has lost it although a delivery was open: a broken promise of retention, so a person must look.
 */
export async function loadRecord(group: Group, held: HeldEvent): Promise<boolean> {
  if (held.record !== undefined) return true
  if ((await join(group, held)).has(held)) return true
  group.dependencies.log.error('an unfinished event is gone from the log', {
    subscription: group.config.id,
    topic: held.topic,
    part: held.part,
    position: held.position,
  })
  return false
}

function join(group: Group, held: HeldEvent): Promise<ReadonlySet<HeldEvent>> {
  const batch = batches.get(group) ?? begin(group)
  batch.wanted.push(held)
  return batch.found
}

function begin(group: Group): Batch {
  const wanted: HeldEvent[] = []
  const found = Promise.resolve().then(async () => {
    batches.delete(group)
    return new Set((await Promise.all(partitionsOf(wanted).map((each) => readPartition(group, each)))).flat())
  })
  const batch = { wanted, found }
  batches.set(group, batch)
  return batch
}

/** In order of position. */
function partitionsOf(wanted: readonly HeldEvent[]): HeldEvent[][] {
  const partitions = new Map<string, HeldEvent[]>()
  for (const held of wanted.toSorted((left, right) => left.position - right.position)) {
    const name = `${held.topic}:${held.part}`
    const known = partitions.get(name)
    if (known === undefined) partitions.set(name, [held])
    else known.push(held)
  }
  return [...partitions.values()]
}

async function readPartition(group: Group, wanted: readonly HeldEvent[]): Promise<HeldEvent[]> {
  const found: HeldEvent[] = []
  for (let from = 0, to: number; from < wanted.length; from = to) {
    to = endOfRun(wanted, from)
    const { topic, part, segment, position } = wanted[from] as HeldEvent
    const limit = (wanted[to - 1] as HeldEvent).position - position + 1
    const records = await group.dependencies.reader.read(topic, part, { segment, position: position - 1 }, limit)
    const stored = new Map(records.map((record) => [record.position, record]))
    for (const held of wanted.slice(from, to)) {
      const record = recordOf(held, stored.get(held.position))
      if (record === undefined) continue
      take(group, held, record)
      found.push(held)
    }
    for (const record of records) takeAlong(group, record)
  }
  return found
}

/** Behind the last event that is read together with the first. */
function endOfRun(wanted: readonly HeldEvent[], from: number): number {
  const first = (wanted[from] as HeldEvent).position
  let to = from + 1
  for (; to < wanted.length; to++) {
    const { position } = wanted[to] as HeldEvent
    if (position - (wanted[to - 1] as HeldEvent).position > NEAR || position - first >= READ_EVENTS) break
  }
  return to
}

function take(group: Group, held: HeldEvent, record: LogRecord): void {
  if (held.record !== undefined) return
  held.record = record
  group.inMemory += 1
}

/** A neighbour whose turn comes soon. */
function takeAlong(group: Group, record: LogRecord): void {
  if (group.inMemory >= WINDOW_EVENTS) return
  const held = group.rows.get(placeKey(record.topic, record.part, record.position))
  if (held?.state === 'waiting' && held.envelope === undefined) take(group, held, record)
}

function recordOf(held: HeldEvent, stored: LogRecord | undefined): LogRecord | undefined {
  const { envelope, topic, part, position, segment, tenantId, key } = held
  if (envelope === undefined) return stored
  const { id, type, userid: userId = null, time, recordedtime } = JSON.parse(envelope) as EventEnvelope
  const recordedAt = stored?.recordedAt ?? new Date(recordedtime ?? time)
  return { topic, part, position, segment, tenantId, key, eventId: id, type, userId, envelope, recordedAt }
}
