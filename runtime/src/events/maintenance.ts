import {
  type Database,
  type EventEnvelope,
  type Job,
  type Logger,
  type Metrics,
  newId,
  newTraceparent,
  schemaUri,
  toId,
} from '@soma/kernel'
import type { Emitter } from './emitter.ts'
import { outboxBacklog } from './outbox-shipping.ts'
import { currentRetention } from './topic-retention.ts'
import { expireEvents, type LostEvents, type MoveOn, type RetentionOptions } from './retention.ts'

const HOUR_MS = 3_600_000
/** The inbox outlives the longest redelivery by this (EVT-R17). */
const INBOX_MARGIN_MS = 7 * 24 * HOUR_MS
/** Longest life of a stored answer to a repeated request. */
const IDEMPOTENCY_MS = 24 * HOUR_MS
const SWEEP_ROWS = 5_000
const UUID_LENGTH = 36

export interface MaintenanceOptions extends RetentionOptions {
  readonly emitter: Emitter
  readonly log: Logger
  readonly metrics: Metrics
}

/** Jobs that keep the log and its tables small and say how long events wait in the outbox. Each runs on one process at a time. */
export function createEventMaintenance(options: MaintenanceOptions): readonly Job[] {
  const { database, metrics } = options
  const retention = () => currentRetention(database, options.retentionMs)
  return [
    {
      name: 'log-retention',
      everyMs: HOUR_MS,
      run: async () => {
        const retentionMs = await retention()
        await expireEvents({ ...options, retentionMs }, (move) => recordGaps(move, options))
      },
    },
    {
      name: 'inbox-sweep',
      everyMs: HOUR_MS,
      run: async (signal) => {
        const longest = Math.max(...Object.values(await retention()))
        await sweep(database, 'runtime.inbox', 'handled_at', { olderThanMs: longest + INBOX_MARGIN_MS, signal })
        await sweep(database, 'runtime.idempotency', 'created_at', { olderThanMs: IDEMPOTENCY_MS, signal })
      },
    },
    {
      name: 'outbox-age',
      everyMs: 2_000,
      run: async () => {
        const { rows, oldestAgeMs } = await outboxBacklog(database)
        metrics.gauges('soma_events_outbox_rows', [{ value: rows }])
        metrics.gauges('soma_events_outbox_oldest_age_seconds', [{ value: oldestAgeMs / 1000 }])
      },
      elsewhere: () => {
        metrics.gauges('soma_events_outbox_rows', [])
        metrics.gauges('soma_events_outbox_oldest_age_seconds', [])
      },
    },
  ]
}

/** Groups of modules have no tenant to tell, the log line is theirs. */
async function recordGaps(
  move: Parameters<MoveOn>[0],
  { database, emitter, log, clock }: MaintenanceOptions,
): Promise<void> {
  const envelopes = await database.transaction({ role: 'soma_bus' }, async (session) => {
    const gaps = await move(session)
    for (const gap of gaps) log.error('a group was moved over events that retention took from it', { ...gap })
    const ofTenants = gaps.filter(isOfTenant)
    if (ofTenants.length === 0) return []
    await session.execute(
      `insert into events.gap (grp, topic, part, from_pos, to_pos, tenant_id)
       select * from unnest($1::text[], $2::text[], $3::int2[], $4::int8[], $5::int8[], $6::text[]) on conflict do nothing`,
      (['group', 'topic', 'part', 'fromPosition', 'toPosition', 'tenantId'] as const).map((name) =>
        ofTenants.map((gap) => gap[name]),
      ),
    )
    const facts = ofTenants.map((gap) => gapEvent(gap, clock.now()))
    await emitter.write(session, facts)
    return facts
  })
  if (envelopes.length > 0) emitter.committed(envelopes)
}

type GapOfTenant = LostEvents & { readonly tenantId: string }

const isOfTenant = (gap: LostEvents): gap is GapOfTenant => gap.tenantId !== null

/** The fact `subscription.gap-recorded` of the events module; a subscription's group is `sub:<uuid>`, that of a broadcast's member `sub:<uuid>/<uuid>`. */
function gapEvent({ group, tenantId, topic, part, fromPosition, toPosition }: GapOfTenant, now: Date): EventEnvelope {
  const id = newId('evt')
  const subscriptionId = toId('sub', group.slice('sub:'.length, 'sub:'.length + UUID_LENGTH))
  return {
    specversion: '1.0',
    id,
    source: '/modules/events',
    type: 'subscription.gap-recorded',
    topic: 'system-events',
    time: now.toISOString(),
    datacontenttype: 'application/json',
    dataschema: schemaUri('subscription.gap-recorded', '1.0.0'),
    tenantid: tenantId,
    authtype: 'service_account',
    authid: 'module:events',
    correlationid: id,
    traceparent: newTraceparent(),
    partitionkey: subscriptionId,
    data: { subscriptionId, topic, part, fromPosition, toPosition, reason: 'trimmed' },
  }
}

async function sweep(
  database: Database,
  table: string,
  column: string,
  { olderThanMs, signal }: { olderThanMs: number; signal: AbortSignal },
): Promise<void> {
  for (let deleted = SWEEP_ROWS; deleted === SWEEP_ROWS && !signal.aborted; ) {
    deleted = await database.transaction({ role: 'soma_bus' }, (session) =>
      session.execute(
        `delete from ${table} where ctid = any (array(
           select ctid from ${table} where ${column} < clock_timestamp() - $1 * interval '1 millisecond' limit ${SWEEP_ROWS}))`,
        [olderThanMs],
      ),
    )
  }
}
