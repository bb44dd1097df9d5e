import type { SqlSession } from '@soma/kernel'

/** Rows of one statement, so that nobody waits long behind it. */
const SLICE = 2_000

/** Every table with rows of tenants but the log, whose rows become holes, and what says that something was erased. Who could make new rows goes first. */
export const TENANT_TABLES = [
  'events.subscriptions',
  'events.push_targets',
  'events.members',
  'events.replays',
  'events.outbox',
  'events.delivery',
  'events.dead_letter',
  'events.cursor',
  'events.gap',
  'events.lagging',
  'events.usage',
  'events.rates',
  'events.schema_violations',
  'events.settled',
  'events.seen',
  'runtime.inbox',
  'runtime.idempotency',
] as const

/** Answers how many rows went; fewer than a slice = none is left. */
export const deleteSlice = (
  session: SqlSession,
  table: (typeof TENANT_TABLES)[number],
  tenantId: string,
): Promise<number> =>
  session.execute(
    `delete from ${table} where ctid = any (array(select ctid from ${table} where tenant_id = $1 limit ${SLICE}))`,
    [tenantId],
  )

/** Positions are dense, so what stays of an event is a record of no tenant and no type. */
export const emptySlice = (session: SqlSession, tenantId: string): Promise<number> =>
  session.execute(
    `update events.log set tenant_id = '', event_id = '', type = '', key = '', user_id = null, envelope = ''
      where (topic, part, segment, pos) in (select topic, part, segment, pos from events.log where tenant_id = $1 limit ${SLICE})`,
    [tenantId],
  )

export const isLastSlice = (count: number): boolean => count < SLICE
