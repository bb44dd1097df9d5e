import {
  type Database,
  type EventEnvelope,
  type Job,
  type Logger,
  type Metrics,
  newId,
  newTraceparent,
  toId,
} from '@soma/kernel'
import type { Emitter } from './emitter.ts'
import { type PartitionLag, readLag } from './lag.ts'
import { outboxBacklog } from './outbox-shipping.ts'
import { currentRetention } from './topic-retention.ts'
import { expireEvents, type LostEvents, type RetentionOptions } from './retention.ts'

const HOUR_MS = 3_600_000
/** The inbox outlives the longest redelivery by this (EVT-R17). */
const INBOX_MARGIN_MS = 7 * 24 * HOUR_MS
/** Longest life of a stored answer to a repeated request. */
const IDEMPOTENCY_MS = 24 * HOUR_MS
const SWEEP_ROWS = 5_000

export interface MaintenanceOptions extends RetentionOptions {
  readonly emitter: Emitter
  /** Age of the oldest unsettled event from which a group counts as lagging. */
  readonly lagSloMs: number
  readonly log: Logger
  readonly metrics: Metrics
}

/** Jobs that keep the log and its tables small and say how far groups are behind. Each runs on one process at a time. */
export function createEventMaintenance(options: MaintenanceOptions): readonly Job[] {
  const { database } = options
  const retention = () => currentRetention(database, options.retentionMs)
  return [
    {
      name: 'log-retention',
      everyMs: HOUR_MS,
      run: async () => {
        const retentionMs = await retention()
        await expireEvents({ ...options, retentionMs }, (gaps) => recordGaps(gaps, options))
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
    { name: 'lag', everyMs: 10_000, run: () => reportLag(options) },
  ]
}

/** One transaction a subscription's tenant; groups of modules have no tenant to tell, the log line is theirs. */
async function recordGaps(gaps: readonly LostEvents[], { database, emitter, log }: MaintenanceOptions): Promise<void> {
  for (const gap of gaps) {
    log.error('a group was moved over events that retention took from it', { ...gap })
    const { tenantId } = gap
    if (tenantId === null) continue
    const envelopes = [gapEvent({ ...gap, tenantId })]
    await database.transaction({ role: 'soma_bus' }, (session) => emitter.write(session, envelopes))
    emitter.committed(envelopes)
  }
}

/** The fact `subscription.gap-recorded` of the events module; a subscription's group is `sub:<uuid>`. */
function gapEvent({
  group,
  tenantId,
  topic,
  part,
  fromPosition,
  toPosition,
}: LostEvents & { tenantId: string }): EventEnvelope {
  const id = newId('evt')
  const subscriptionId = toId('sub', group.slice('sub:'.length))
  return {
    specversion: '1.0',
    id,
    source: '/modules/events',
    type: 'subscription.gap-recorded',
    topic: 'system-events',
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: '/v1/registry/schemas/subscription.gap-recorded/versions/1.0.0',
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

async function reportLag({ database, bus, metrics, log, lagSloMs }: MaintenanceOptions): Promise<void> {
  const backlog = await outboxBacklog(database)
  metrics.gauge('soma_events_outbox_rows', backlog.rows)
  metrics.gauge('soma_events_outbox_oldest_age_seconds', backlog.oldestAgeMs / 1000)
  for (const [group, lags] of byGroup(await readLag({ database, bus }))) {
    const oldestAgeMs = Math.max(...lags.map((each) => each.oldestAgeMs))
    metrics.gauge('soma_events_consumer_oldest_age_seconds', oldestAgeMs / 1000, { group })
    metrics.gauge('soma_events_parked_rows', sum(lags, 'parked'), { group })
    for (const topic of new Set(lags.map((each) => each.topic)))
      metrics.gauge(
        'soma_events_consumer_lag_events',
        sum(
          lags.filter((each) => each.topic === topic),
          'lag',
        ),
        { group, topic },
      )
    if (oldestAgeMs > lagSloMs) log.warn('a group lags', { group, oldestAgeMs, lag: sum(lags, 'lag'), lagSloMs })
  }
}

function byGroup(lags: readonly PartitionLag[]): Map<string, PartitionLag[]> {
  const groups = new Map<string, PartitionLag[]>()
  for (const lag of lags) groups.set(lag.group, [...(groups.get(lag.group) ?? []), lag])
  return groups
}

const sum = (lags: readonly PartitionLag[], member: 'lag' | 'parked'): number =>
  lags.reduce((total, each) => total + each[member], 0)
