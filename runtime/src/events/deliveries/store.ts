import { jsonbText, type SqlSession } from '@soma/kernel'

/** Where a delivery of a module group stands: the partition with the epoch under which its owner holds it, and the event's place in it. */
export interface DeliveryPlace {
  readonly group: string
  readonly topic: string
  readonly part: number
  readonly epoch: number
  readonly segment: number
  readonly position: number
  readonly tenantId: string
  readonly key: string
}

/** One try that ended badly, as it stands in a dead letter. */
export interface FailedAttempt {
  readonly at: string
  readonly memberId: string
  readonly durationMs: number
  readonly problem: unknown
}

/** `lost`: another node owns the partition; `next`: the next event of the key is due; `free`: nothing of the key waits. */
export type AfterDelivery = 'lost' | 'next' | 'free'

const KEYED = (place: DeliveryPlace) => [place.group, place.topic, place.part, place.epoch]

/** False = the partition is lost. */
export async function retryDelivery(
  session: SqlSession,
  place: DeliveryPlace,
  failure: { deliveryId: string; attempt: number; delayMs: number; entry: FailedAttempt },
): Promise<boolean> {
  const { deliveryId, attempt, delayMs, entry } = failure
  const rows = await session.query<{ done: boolean }>(
    `select events.retry_delivery($1, $2, $3::int2, $4::int8, $5::int4, $6::int8, $7::uuid, $8, $9, $10::int2, $11::float8,
       $12::jsonb, $13::jsonb) as done`,
    [
      ...KEYED(place),
      place.segment,
      place.position,
      deliveryId,
      place.tenantId,
      place.key,
      attempt,
      delayMs,
      jsonbText(entry.problem),
      jsonbText(entry),
    ],
  )
  return rows[0]?.done ?? false
}

/** False = the partition is lost. */
export async function leaseDelivery(
  session: SqlSession,
  place: DeliveryPlace,
  lease: { deliveryId: string; attempt: number; holder: string; leaseMs: number },
): Promise<boolean> {
  const rows = await session.query<{ done: boolean }>(
    `select events.lease_delivery($1, $2, $3::int2, $4::int8, $5::int4, $6::int8, $7::uuid, $8, $9, $10::int2, $11::uuid, $12::float8) as done`,
    [
      ...KEYED(place),
      place.segment,
      place.position,
      lease.deliveryId,
      place.tenantId,
      place.key,
      lease.attempt,
      lease.holder,
      lease.leaseMs,
    ],
  )
  return rows[0]?.done ?? false
}

/** Parks events of one key behind its unfinished one, in order. False = the partition is lost. */
export async function parkDeliveries(
  session: SqlSession,
  place: Omit<DeliveryPlace, 'segment' | 'position'>,
  events: readonly { segment: number; position: number; deliveryId: string }[],
): Promise<boolean> {
  const rows = await session.query<{ done: boolean }>(
    'select events.park_deliveries($1, $2, $3::int2, $4::int8, $5, $6, $7::int4[], $8::int8[], $9::uuid[]) as done',
    [
      place.group,
      place.topic,
      place.part,
      place.epoch,
      place.tenantId,
      place.key,
      events.map((event) => event.segment),
      events.map((event) => event.position),
      events.map((event) => event.deliveryId),
    ],
  )
  return rows[0]?.done ?? false
}

export async function finishDelivery(session: SqlSession, place: DeliveryPlace): Promise<AfterDelivery> {
  const rows = await session.query<{ after: AfterDelivery }>(
    'select events.finish_delivery($1, $2, $3::int2, $4::int8, $5::int8, $6, $7) as after',
    [...KEYED(place), place.position, place.tenantId, place.key],
  )
  return rows[0]?.after ?? 'lost'
}

export interface Burial {
  readonly deliveryId: string
  readonly eventId: string
  readonly type: string
  readonly envelope: string
  readonly entry: FailedAttempt
  readonly handler: string
}

/** Moves a delivery to the dead letters. */
export async function buryDelivery(session: SqlSession, place: DeliveryPlace, burial: Burial): Promise<AfterDelivery> {
  const rows = await session.query<{ after: AfterDelivery }>(
    `select events.bury_delivery($1, $2, $3::int2, $4::int8, $5::int4, $6::int8, $7::uuid, $8, $9, $10, $11, $12, $13::jsonb,
       $14::jsonb, $15) as after`,
    [
      ...KEYED(place),
      place.segment,
      place.position,
      burial.deliveryId,
      place.tenantId,
      place.key,
      burial.eventId,
      burial.type,
      burial.envelope,
      jsonbText(burial.entry.problem),
      jsonbText(burial.entry),
      burial.handler,
    ],
  )
  return rows[0]?.after ?? 'lost'
}

/** Gives a dead letter to another tenant than that of its key. */
export async function assignDeadLetter(session: SqlSession, deliveryId: string, tenantId: string): Promise<void> {
  await session.execute('update events.dead_letter set tenant_id = $2 where delivery_id = $1', [deliveryId, tenantId])
}

/** The lowest unfinished event of a key. */
export interface FrontDelivery {
  readonly segment: number
  readonly pos: number
  readonly delivery_id: string
  readonly attempt: number
  /** Set where a dead letter is delivered again. */
  readonly replay_id: string | null
  /** The event that a replay brings along; null = the log's. */
  readonly envelope: string | null
  readonly first_failed_at: Date | null
  readonly due_in_ms: number
}

export async function frontDelivery(
  session: SqlSession,
  place: Pick<DeliveryPlace, 'group' | 'topic' | 'part' | 'tenantId' | 'key'>,
): Promise<FrontDelivery | undefined> {
  const rows = await session.query<FrontDelivery>(
    `select segment, pos, delivery_id, attempt, replay_id, envelope, first_failed_at,
            case when due_at = 'infinity' then 0 else extract(epoch from due_at - clock_timestamp()) * 1000 end::float8 as due_in_ms
       from events.delivery where grp = $1 and topic = $2 and part = $3 and tenant_id = $4 and key = $5 order by pos limit 1`,
    [place.group, place.topic, place.part, place.tenantId, place.key],
  )
  return rows[0]
}

/** A key that waits: the time until its lowest event is due, and how many events it has. */
export interface WaitingKey {
  readonly topic: string
  readonly part: number
  readonly tenant_id: string
  readonly key: string
  readonly due_in_ms: number
  readonly waiting: number
}

/** What a new owner must know of the partitions it claimed. A row that is leased was in hand of the owner before: it is due at once. */
export async function waitingKeys(
  session: SqlSession,
  group: string,
  places: readonly { topic: string; part: number }[],
): Promise<WaitingKey[]> {
  return session.query<WaitingKey>(
    `select d.topic, d.part, d.tenant_id, d.key, count(*)::int4 as waiting,
            greatest(min(extract(epoch from d.due_at - clock_timestamp()) * 1000) filter (where d.due_at < 'infinity'), 0)::float8 as due_in_ms
       from unnest($2::text[], $3::int2[]) as held (topic, part)
       join events.delivery d on d.grp = $1 and d.topic = held.topic and d.part = held.part
      group by d.topic, d.part, d.tenant_id, d.key`,
    [group, places.map((place) => place.topic), places.map((place) => place.part)],
  )
}

/** Keys of held partitions with a replay that was not tried yet. */
export async function replayedKeys(
  session: SqlSession,
  group: string,
  places: readonly { topic: string; part: number }[],
): Promise<Pick<WaitingKey, 'topic' | 'part' | 'tenant_id' | 'key'>[]> {
  return session.query(
    `select distinct d.topic, d.part, d.tenant_id, d.key
       from unnest($2::text[], $3::int2[]) as held (topic, part)
       join events.delivery d on d.grp = $1 and d.topic = held.topic and d.part = held.part
      where d.replay_id is not null and d.attempt = 0`,
    [group, places.map((place) => place.topic), places.map((place) => place.part)],
  )
}
