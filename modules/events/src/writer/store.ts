import { jsonbText, type SqlSession } from '@soma/kernel'
import type {
  CursorRow,
  DeadRow,
  ExtendedRow,
  Fence,
  HeldRow,
  LeaseReference,
  PreparedEvent,
  ReturnedRow,
} from './requests.ts'

export interface KnownEvent {
  readonly idx: number
  readonly content: string
  readonly recorded_at: Date
}

/** Answers the events that were there, by 1-based index. */
export function rememberEvents(
  session: SqlSession,
  events: readonly PreparedEvent[],
  at: { now: Date; windowMs: number },
): Promise<KnownEvent[]> {
  return session.query<KnownEvent>(
    'select idx, content, recorded_at from events.remember($1::text[], $2::uuid[], $3::uuid[], $4::timestamptz, $5::int8)',
    [
      events.map(({ envelope }) => envelope.tenantid),
      events.map(({ identity }) => identity),
      events.map(({ content }) => content),
      at.now.toISOString(),
      at.windowMs,
    ],
  )
}

/** Answers the 1-based indexes of acks whose lease is lost. */
export async function acknowledge(session: SqlSession, acks: readonly LeaseReference[]): Promise<number[]> {
  const rows = await session.query<{ idx: number }>(
    'select idx from events.acknowledge($1::uuid[], $2::uuid[], $3::int2[])',
    [
      acks.map(({ deliveryId }) => deliveryId),
      acks.map(({ memberId }) => memberId),
      acks.map(({ attempt }) => attempt),
    ],
  )
  return rows.map(({ idx }) => idx)
}

/** Answers the leases that are still so, and locks them for this transaction. */
export async function lockLeases(session: SqlSession, leases: readonly LeaseReference[]): Promise<Set<string>> {
  const rows = await session.query<{ delivery_id: string }>(
    `select d.delivery_id from events.delivery d join unnest($1::uuid[], $2::uuid[], $3::int2[]) as w (id, member, attempt)
       on d.delivery_id = w.id and d.member = w.member and d.attempt = w.attempt
     order by d.delivery_id for no key update of d`,
    [
      leases.map(({ deliveryId }) => deliveryId),
      leases.map(({ memberId }) => memberId),
      leases.map(({ attempt }) => attempt),
    ],
  )
  return new Set(rows.map(({ delivery_id }) => delivery_id))
}

/** Answers the dispatchers' leases that are still so; nobody can take them before this transaction ends. In the order of their names, as they are renewed. */
export async function holdFences(session: SqlSession, fences: readonly Fence[]): Promise<Set<string>> {
  const inOrder = fences.toSorted((left, right) => (left.lease < right.lease ? -1 : 1))
  const rows = await session.query<{ held: string }>(
    `select w.lease || ':' || w.epoch as held from unnest($1::text[], $2::uuid[], $3::int8[]) as w (lease, owner, epoch)
     where runtime.hold_lease(w.lease, w.owner, w.epoch)`,
    [inOrder.map(({ lease }) => lease), inOrder.map(({ owner }) => owner), inOrder.map(({ epoch }) => epoch)],
  )
  return new Set(rows.map(({ held }) => held))
}

export async function holdRows(session: SqlSession, rows: readonly HeldRow[]): Promise<void> {
  await session.query(
    `select events.hold($1::text[], $2::text[], $3::int2[], $4::int8[], $5::int4[], $6::uuid[], $7::text[], $8::text[],
       $9::int2[], $10::uuid[], $11::int8[])`,
    [
      rows.map(({ group }) => group),
      rows.map(({ topic }) => topic),
      rows.map(({ part }) => part),
      rows.map(({ position }) => position),
      rows.map(({ segment }) => segment),
      rows.map(({ deliveryId }) => deliveryId),
      rows.map(({ tenantId }) => tenantId),
      rows.map(({ key }) => key),
      rows.map(({ attempt }) => attempt),
      rows.map(({ memberId }) => memberId),
      rows.map(({ leaseMs }) => leaseMs),
    ],
  )
}

export async function returnRows(session: SqlSession, rows: readonly ReturnedRow[]): Promise<void> {
  await session.execute(
    `update events.delivery d set member = null, lease_until = null, attempt = r.attempt,
       due_at = clock_timestamp() + r.delay_ms * interval '1 millisecond', problem = coalesce(r.failure -> 'problem', d.problem),
       first_failed_at = case when r.failure is null then d.first_failed_at else coalesce(d.first_failed_at, clock_timestamp()) end,
       attempts = case when r.failure is null then d.attempts else d.attempts || r.failure end
     from unnest($1::uuid[], $2::int2[], $3::int8[], $4::jsonb[]) as r (delivery_id, attempt, delay_ms, failure)
     where d.delivery_id = r.delivery_id`,
    [
      rows.map(({ deliveryId }) => deliveryId),
      rows.map(({ attempt }) => attempt),
      rows.map(({ delayMs }) => Math.round(delayMs)),
      rows.map(({ failure }) => (failure === null ? null : jsonbText(failure))),
    ],
  )
}

/** The dead letter is written in the transaction that ends the row, so an event is never in neither place. */
export async function buryRow(session: SqlSession, row: DeadRow): Promise<void> {
  const { place, event } = row
  await session.execute(
    `insert into events.dead_letter as dead (delivery_id, tenant_id, grp, topic, part, pos, segment, event_id, type, key, envelope,
       attempts, problem, handler, first_failed_at, dead_at, state)
     select $1::uuid, $2, $3, $4, $5::int2, $6::int8, $7::int4, $8, $9, $10, $11,
       coalesce((select d.attempts from events.delivery d where d.delivery_id = $1::uuid), '[]'::jsonb) || $12::jsonb, $13::jsonb, $14,
       coalesce((select d.first_failed_at from events.delivery d where d.delivery_id = $1::uuid), clock_timestamp()), clock_timestamp(), 'open'
     on conflict (delivery_id) do update set state = 'open', attempts = dead.attempts || excluded.attempts, problem = excluded.problem,
       dead_at = excluded.dead_at, resolution = null, event_id = excluded.event_id, envelope = excluded.envelope`,
    [
      row.deliveryId,
      row.tenantId,
      place.group,
      place.topic,
      place.part,
      place.position,
      place.segment,
      event.id,
      event.type,
      event.key,
      event.envelope,
      jsonbText([row.failure]),
      jsonbText(row.problem),
      row.handler,
    ],
  )
  if (row.isBlocking) {
    await session.execute(
      `update events.delivery set member = null, lease_until = null, due_at = 'infinity' where delivery_id = $1::uuid`,
      [row.deliveryId],
    )
    return
  }
  await session.execute('delete from events.delivery where delivery_id = $1::uuid', [row.deliveryId])
  // Done for this group, by nobody's ack: a successor that reads from the cursor does not hand it out again.
  await session.execute(
    `insert into events.settled (grp, topic, part, pos, tenant_id, delivery_id, member, attempt)
     values ($1, $2, $3::int2, $4::int8, $5, $6::uuid, '00000000-0000-0000-0000-000000000000', 0) on conflict do nothing`,
    [place.group, place.topic, place.part, place.position, row.tenantId, row.deliveryId],
  )
}

export async function extendLeases(session: SqlSession, rows: readonly ExtendedRow[]): Promise<void> {
  await session.execute(
    `update events.delivery d set lease_until = clock_timestamp() + r.lease_ms * interval '1 millisecond'
     from unnest($1::uuid[], $2::uuid[], $3::int2[], $4::int8[]) as r (delivery_id, member, attempt, lease_ms)
     where d.delivery_id = r.delivery_id and d.member = r.member and d.attempt = r.attempt`,
    [
      rows.map(({ deliveryId }) => deliveryId),
      rows.map(({ memberId }) => memberId),
      rows.map(({ attempt }) => attempt),
      rows.map(({ leaseMs }) => leaseMs),
    ],
  )
}

/** A cursor never moves back here: only seeking does that. Answers the groups of which one was moved by other means. */
export async function moveCursors(session: SqlSession, rows: readonly CursorRow[]): Promise<Set<string>> {
  const fenced = await session.query<{ grp: string }>(
    `with wanted as (
       select * from unnest($1::text[], $2::text[], $3::int2[], $4::int4[], $5::int8[], $6::int8[]) as r (grp, topic, part, segment, pos, epoch)),
     moved as (
       update events.cursor c set segment = r.segment, pos = r.pos from wanted r
       where c.grp = r.grp and c.topic = r.topic and c.part = r.part and c.epoch = r.epoch and c.pos < r.pos)
     select distinct r.grp from wanted r join events.cursor c on c.grp = r.grp and c.topic = r.topic and c.part = r.part and c.epoch <> r.epoch`,
    [
      rows.map(({ group }) => group),
      rows.map(({ topic }) => topic),
      rows.map(({ part }) => part),
      rows.map(({ segment }) => segment),
      rows.map(({ position }) => position),
      rows.map(({ epoch }) => epoch),
    ],
  )
  return new Set(fenced.map(({ grp }) => grp))
}
