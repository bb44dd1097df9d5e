import {
  type Database,
  HOLE,
  isHole,
  type Logger,
  type LogNotice,
  type LogReader,
  type LogRecord,
  type Metrics,
  newUuid,
  openRecord,
  type PartitionState,
  TOPICS,
} from '@soma/kernel'
import { seedPartitions } from './partitions.ts'

const LEASE = 'log-index'
const LEASE_SECONDS = 10
const BATCH = 500
/** Wakes come with the records; this finds what a lost wake left and what the bus has dropped. */
const LOOK_EVERY_MS = 5_000

export interface LogIndexOptions {
  readonly database: Database
  /** Reads the bus; its records come over all tenants. */
  readonly reader: LogReader
  readonly partitions: number
  readonly log: Logger
  readonly metrics: Metrics
}

/**
 * Copies a log that is outside the database into `events.log`, at the same positions, for what asks by attribute: lists, one event by id, histories of streams, ages. One process
 * at a time copies; a copy may be behind by milliseconds, never has holes, and loses what the bus drops. Of a record that is no event the place alone is copied, as nobody's.
 */
export interface LogIndex {
  start(): Promise<void>
  stop(): Promise<void>
}

export function createLogIndex({ database, reader, partitions, log, metrics }: LogIndexOptions): LogIndex {
  const owner = newUuid()
  const endings: (() => void)[] = []
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let heard = new Map<string, LogNotice>()
  let isLookDue = true
  let isRunning = false

  /** The places that grew, or all of them with what the bus still has. */
  const takeHeads = async (): Promise<readonly Head[]> => {
    const grown = [...heard.values()]
    heard = new Map()
    if (!isLookDue) return grown
    isLookDue = false
    return (await Promise.all(TOPICS.map((topic) => reader.heads(topic)))).flat()
  }
  const turn = async (): Promise<void> => {
    const copied = await database.transaction({ role: 'soma_bus' }, async (session) => {
      const claim = 'select runtime.claim_lease($1, $2::uuid, $3::float8)'
      if ((await session.query(claim, [LEASE, owner, LEASE_SECONDS])).length === 0) return undefined
      return session.query<CopyState>('select topic, part, head, tail from events.partition')
    })
    const heads = await takeHeads()
    if (copied === undefined) return
    const known = new Map(copied.map((each) => [`${each.topic}:${each.part}`, each]))
    for (const state of heads) {
      const copy = known.get(`${state.topic}:${state.part}`)
      if (copy !== undefined && !stopped) await bringUp({ database, reader, metrics }, state, copy)
    }
  }
  const run = async () => {
    while ((heard.size > 0 || isLookDue) && !stopped) {
      try {
        await turn()
      } catch (error) {
        log.warn('the log could not be copied for queries; the next look tries again', { error })
        break
      }
    }
    isRunning = false
  }
  const wake = () => {
    if (isRunning || stopped) return
    isRunning = true
    running = run()
  }
  const look = () => {
    isLookDue = true
    wake()
  }
  const hear = (records: readonly LogRecord[]) => {
    for (const record of records) heard.set(`${record.topic}:${record.part}`, record)
    wake()
  }
  return {
    start: async () => {
      await seedPartitions(database, partitions)
      for (const topic of TOPICS) endings.push(reader.onAppend(topic, hear))
      timer = setInterval(look, LOOK_EVERY_MS).unref()
      look()
    },
    stop: async () => {
      stopped = true
      clearInterval(timer)
      for (const end of endings) end()
      await running
      await database.transaction({ role: 'soma_bus' }, (session) =>
        session.query('select runtime.release_lease($1, $2::uuid)', [LEASE, owner]),
      )
    },
  }
}

/** Only a look knows what the bus has dropped. */
type Head = LogNotice & Partial<Pick<PartitionState, 'oldestPosition'>>

interface CopyState {
  readonly topic: string
  readonly part: number
  readonly head: number
  readonly tail: number
}

async function bringUp(
  { database, reader, metrics }: Pick<LogIndexOptions, 'database' | 'reader' | 'metrics'>,
  state: Head,
  copy: CopyState,
): Promise<void> {
  const { oldestPosition = 0 } = state
  if (oldestPosition > copy.tail) await dropBefore(database, { ...state, oldestPosition })
  // What was dropped before it was copied is no hole: nobody can read it.
  let head = copy.head
  while (head < state.position) {
    const records = await reader.read(state.topic, state.part, { segment: 1, position: head }, BATCH)
    const last = records.at(-1)
    const copies = records.map(copyOf)
    if (last === undefined || !(await insertCopies(database, head, copies))) return
    const broken = records.filter((record, index) => copies[index]?.tenantId === '' && !isHole(record)).length
    if (broken > 0) metrics.count('soma_events_broken_records_total', { topic: state.topic }, broken)
    head = last.position
  }
}

/** False when another process has copied meanwhile: the head is not what it was. */
async function insertCopies(database: Database, head: number, records: readonly LogRecord[]): Promise<boolean> {
  const last = records.at(-1) as LogRecord
  const rows = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ pos: number }>(
      `with moved as (
         update events.partition set head = $4, last_at = $5::timestamptz where topic = $1 and part = $2 and head = $3 returning segment)
       insert into events.log (topic, part, segment, pos, recorded_at, tenant_id, event_id, type, key, user_id, envelope)
         select $1, $2, 1, r.pos, r.recorded_at, r.tenant_id, r.event_id, r.type, r.key, r.user_id, r.envelope
           from moved, unnest($6::int8[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
             as r (pos, recorded_at, tenant_id, event_id, type, key, user_id, envelope)
       returning pos`,
      [
        last.topic,
        last.part,
        head,
        last.position,
        last.recordedAt.toISOString(),
        records.map((record) => record.position),
        records.map((record) => record.recordedAt.toISOString()),
        ...TEXTS.map((name) => records.map((record) => record[name])),
      ],
    ),
  )
  return rows.length > 0
}

const TEXTS = ['tenantId', 'eventId', 'type', 'key', 'userId', 'envelope'] as const

/** Row-level security shows an event without tenant to nobody. What another program spelled is spelled as Soma does, so that a search by text finds it. */
function copyOf(record: LogRecord): LogRecord {
  const { event } = openRecord(record)
  if (event === undefined) return { ...record, ...HOLE }
  return record.isForeign === true ? { ...record, envelope: JSON.stringify(event) } : record
}

async function dropBefore(database: Database, { topic, part, oldestPosition }: Required<Head>): Promise<void> {
  await database.transaction({ role: 'soma_bus' }, async (session) => {
    await session.execute('delete from events.log where topic = $1 and part = $2 and segment = 1 and pos < $3', [
      topic,
      part,
      oldestPosition,
    ])
    await session.execute('update events.partition set tail = $3 where topic = $1 and part = $2', [
      topic,
      part,
      oldestPosition,
    ])
  })
}
