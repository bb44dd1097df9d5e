import type { AppendRecord, Database, EventBus, LogRecord, SqlSession } from '@soma/kernel'
import { recordsAt } from './append-record.ts'
import { LOG_CHANNEL, payloadOf, placeOf } from './notifier.ts'
import type { Shipped, WaitingRecord } from './shipped.ts'

const LEASE = 'relay'

/** The epoch, or undefined while another process relays. */
export async function holdRelayLease(database: Database, owner: string, leaseMs: number): Promise<number | undefined> {
  const rows = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ epoch: number }>('select runtime.claim_lease($1, $2::uuid, $3::float8) as epoch', [
      LEASE,
      owner,
      leaseMs / 1000,
    ]),
  )
  return rows[0]?.epoch
}

export async function releaseRelayLease(database: Database, owner: string): Promise<void> {
  await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query('select runtime.release_lease($1, $2::uuid)', [LEASE, owner]),
  )
}

interface OutboxRow {
  readonly id: number
  readonly topic: string
  readonly part: number
  readonly tenant_id: string
  readonly event_id: string
  readonly type: string
  readonly key: string
  readonly user_id: string | null
  readonly envelope: string
}

/** A row that was taken, or the only one without an id, which says when the next is due. */
type TakenRow = Omit<OutboxRow, 'id'> & { readonly id: number | null; readonly next_due_ms: number | null }

export interface ShipOptions {
  readonly database: Database
  readonly bus: EventBus
  readonly owner: string
  readonly epoch: number
  readonly limit: number
  /** Stands in the notice of what was shipped into the database: the readers who are offered the records know it as their own. */
  readonly sender: string
  /** Of this epoch; asked for a bus outside the database alone. */
  readonly shipped: Shipped
}

export interface ShippedBatch {
  /** How many rows are in the log now. */
  readonly count: number
  /** What readers of this process need not ask the log for: nothing of a bus outside the database, whose notices come as soon. */
  readonly records: readonly LogRecord[]
  /** Until the next delayed event is due. */
  readonly nextDueMs: number
  /** Another process has the lease. */
  readonly isLost: boolean
}

const NOTHING = { count: 0, records: [], nextDueMs: Number.POSITIVE_INFINITY }

/**
 * Ships the oldest rows. A log inside the database takes them in the transaction that deletes them; any other is asked first and the rows go after it has answered; what a
 * crash in between left in the log is not shipped again. No row is skipped: what fails stays in front.
 */
export function shipBatch(options: ShipOptions): Promise<ShippedBatch> {
  return options.bus.flags.transactionalWithDatabase ? shipInside(options) : shipOutside(options)
}

function shipInside({ database, bus, owner, epoch, limit, sender }: ShipOptions): Promise<ShippedBatch> {
  return database.transaction({ role: 'soma_bus' }, async (session) => {
    const taken = await session.query<TakenRow>('select * from events.take_outbox($1, $2::uuid, $3::int8, $4::int4)', [
      LEASE,
      owner,
      epoch,
      limit,
    ])
    const [first] = taken
    if (first === undefined) return { ...NOTHING, isLost: true }
    if (first.id === null)
      return { ...NOTHING, nextDueMs: first.next_due_ms ?? Number.POSITIVE_INFINITY, isLost: false }
    const records = taken.map(toAppendRecord)
    const [positions] = await Promise.all([
      bus.append(records, session),
      database.engine === 'postgres' &&
        session.query('select pg_notify($1, $2)', [LOG_CHANNEL, payloadOf(sender, new Set(records.map(placeOf)))]),
    ])
    return { count: records.length, records: recordsAt(records, positions), nextDueMs: 0, isLost: false }
  })
}

async function shipOutside({ database, bus, owner, epoch, limit, shipped }: ShipOptions): Promise<ShippedBatch> {
  const asBus = <T>(work: (session: SqlSession) => Promise<T>) => database.transaction({ role: 'soma_bus' }, work)
  const taken = await asBus(async (session) => {
    if (!(await holdsLease(session, owner, epoch))) return undefined
    const rows = await waitingRows(session, limit)
    return { rows, nextDueMs: rows.length > 0 ? 0 : await untilDue(session) }
  })
  if (taken === undefined) return { ...NOTHING, isLost: true }
  if (taken.rows.length === 0) {
    shipped.allMarked()
    return { ...NOTHING, nextDueMs: taken.nextDueMs, isLost: false }
  }
  const waiting = taken.rows.map((row): WaitingRecord => ({ ...toAppendRecord(row), rowId: row.id }))
  const missing = await shipped.missing(waiting)
  try {
    if (missing.length > 0) await bus.append(missing)
  } catch (error) {
    shipped.unsure()
    throw error
  }
  shipped.appended(missing)
  const isHeld = await asBus(async (session) => {
    if (!(await holdsLease(session, owner, epoch))) return false
    await deleteRows(session, taken.rows)
    return true
  })
  shipped.marked(waiting)
  return { count: taken.rows.length, records: [], nextDueMs: 0, isLost: !isHeld }
}

async function holdsLease(session: SqlSession, owner: string, epoch: number): Promise<boolean> {
  const rows = await session.query<{ held: boolean }>('select runtime.hold_lease($1, $2::uuid, $3::int8) as held', [
    LEASE,
    owner,
    epoch,
  ])
  return rows[0]?.held ?? false
}

/**
 * Delayed events that are due come first, in due order, locked against whoever takes one back at this moment; the others by id, which is given in a transaction's
 * last statement.
 */
async function waitingRows(session: SqlSession, limit: number): Promise<OutboxRow[]> {
  const columns = 'id, topic, part, tenant_id, event_id, type, key, user_id, envelope'
  const due = await session.query<OutboxRow>(
    `select ${columns} from events.outbox where due_at <= clock_timestamp() order by due_at, id limit $1 for update`,
    [limit],
  )
  if (due.length === limit) return due
  const rest = await session.query<OutboxRow>(
    `select ${columns} from events.outbox where due_at is null order by id limit $1`,
    [limit - due.length],
  )
  return [...due, ...rest]
}

async function deleteRows(session: SqlSession, rows: readonly OutboxRow[]): Promise<void> {
  await session.execute('delete from events.outbox where id = any ($1::int8[])', [rows.map((row) => row.id)])
}

async function untilDue(session: SqlSession): Promise<number> {
  const rows = await session.query<{ ms: number | null }>(
    'select (extract(epoch from min(due_at) - clock_timestamp()) * 1000)::float8 as ms from events.outbox where due_at is not null',
  )
  return rows[0]?.ms ?? Number.POSITIVE_INFINITY
}

/** Rows that should be in the log by now, and the age of the oldest. */
export async function outboxBacklog(database: Database): Promise<{ rows: number; oldestAgeMs: number }> {
  const [row] = await database.transaction({ role: 'soma_bus' }, (session) =>
    session.query<{ rows: number; oldest_age_ms: number | null }>(
      `select count(*)::int8 as rows,
              (extract(epoch from clock_timestamp() - min(coalesce(due_at, created_at))) * 1000)::float8 as oldest_age_ms
         from events.outbox where due_at is null or due_at <= clock_timestamp()`,
    ),
  )
  return { rows: row?.rows ?? 0, oldestAgeMs: Math.max(0, row?.oldest_age_ms ?? 0) }
}

const toAppendRecord = (row: Omit<OutboxRow, 'id'>): AppendRecord => ({
  topic: row.topic,
  part: row.part,
  tenantId: row.tenant_id,
  eventId: row.event_id,
  type: row.type,
  key: row.key,
  userId: row.user_id,
  envelope: row.envelope,
})
