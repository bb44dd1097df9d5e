import { type LogRecord, newUuid } from '@soma/kernel'
import { hasVersionWithin, matches, openOnce } from '../log/event-filter.ts'
import { assignReady } from './assigning.ts'
import { countDeliveries, type Group, type Partition, wantsMore, WINDOW_EVENTS } from './group.ts'
import { type HeldEvent, placeKey } from './held-event.ts'
import { parkBehind, parkWaiting } from './parking.ts'
import { promote } from './promoting.ts'
import { refuseUnsupported } from './unsupported.ts'

/** After a failed read; a new event wakes earlier. */
const RETRY_MS = 1000

/** Notes what was appended and reads it, unless enough is in memory. Called synchronously after commits. */
export function noticeAppended(group: Group, records: readonly LogRecord[]): void {
  for (const record of records) {
    const partition = group.byTopic.get(record.topic)?.[record.part]
    if (partition !== undefined && record.position > partition.head) partition.head = record.position
  }
  if (wantsMore(group)) fill(group)
}

/** Reads what is there and fits into memory, then assigns. One run at a time; a call during a run makes it look again. */
export function fill(group: Group): void {
  group.wantsFill = true
  if (group.isFilling || group.isClosed) return
  group.isFilling = true
  readAll(group)
    .catch((error: unknown) => {
      group.dependencies.log.warn('dispatcher cannot read the log', { subscription: group.config.id, error })
      setTimeout(() => fill(group), RETRY_MS).unref()
    })
    .finally(() => {
      group.isFilling = false
    })
}

async function readAll(group: Group): Promise<void> {
  while (group.wantsFill && !group.isClosed) {
    group.wantsFill = false
    for (const partition of group.partitions) {
      while (partition.position < partition.head && !group.isClosed) {
        if (roomOf(group) <= 0 && !(await makeRoom(group))) return
        if (!(await readSome(group, partition))) break
      }
    }
  }
}

const roomOf = (group: Group): number =>
  Math.min(WINDOW_EVENTS - group.inMemory, group.dependencies.maxParked - group.rows.size)

/** Followers of keys in hand are parked as references when they alone fill the memory, so that other keys go on. */
async function makeRoom(group: Group): Promise<boolean> {
  if (group.ready.length > 0 || group.rows.size >= group.dependencies.maxParked) return false
  await parkWaiting(group)
  return roomOf(group) > 0
}

/** False at the head. */
async function readSome(group: Group, partition: Partition): Promise<boolean> {
  const { topic, part, segment, position } = partition
  const limit = Math.max(1, Math.min(group.readSize.now(), roomOf(group)))
  const records = await group.dependencies.reader.read(topic, part, { segment, position }, limit)
  group.readSize.noteRead(records.length >= limit)
  await refuseUnsupported(group, records)
  const parked: HeldEvent[] = []
  for (const record of records) {
    partition.segment = record.segment
    partition.position = record.position
    const held = accept(group, partition, record)
    if (held !== undefined) parked.push(held)
  }
  if (parked.length > 0) await parkBehind(group, parked)
  assignReady(group)
  return records.length > 0
}

/** Takes a record in if the group wants it. Answers it when it stands behind a key that waits for long, so that it must be parked. */
function accept(group: Group, partition: Partition, record: LogRecord): HeldEvent | undefined {
  const { config } = group
  if (partition.finished.delete(record.position)) return undefined
  if (record.tenantId !== config.tenantId || group.rows.has(placeKey(record.topic, record.part, record.position)))
    return undefined
  if (!matches(record, config.readings, config.reads) || isNobodys(record)) return undefined
  if (!hasVersionWithin(record, config.reads.versions)) {
    countDeliveries(group, 'unsupported-version')
    return undefined
  }
  const held = heldOf(group, record)
  group.inMemory += 1
  if (group.queues.add(held)) {
    promote(group, held)
    return undefined
  }
  const head = group.queues.headOf(held.orderKey)
  return head?.state === 'delayed' || head?.state === 'blocked' ? held : undefined
}

/** It says that it is of this tenant and of another: neither gets it. */
function isNobodys(record: LogRecord): boolean {
  const { flaw } = openOnce(record)
  return flaw !== undefined && flaw.tenantId === undefined
}

function heldOf(group: Group, record: LogRecord): HeldEvent {
  const { topic, part, position, segment, tenantId, key } = record
  return {
    group: group.config.group,
    topic,
    part,
    position,
    segment,
    tenantId,
    key,
    orderKey: group.config.ordered ? `${topic}\0${key}` : placeKey(topic, part, position),
    deliveryId: newUuid(),
    record,
    state: 'waiting',
    attempt: 0,
    wasReturned: false,
    hasRow: false,
    isSettling: false,
    replayId: undefined,
    envelope: undefined,
    member: undefined,
    leasedAtMs: 0,
    leaseUntilMs: 0,
    dueAtMs: 0,
  }
}
