import { type Clock, type Job, type Metrics, type ModuleDatabase, PLATFORM_TENANT, type Topic } from '@soma/kernel'
import { consumerLagging, consumerRecovered } from '../../contract/facts.ts'
import { readAfter } from '../log/store.ts'
import type { EventsPorts } from '../ports.ts'
import { readsOf, wirePlace } from '../subscriptions/config.ts'
import { factEnvelope } from '../writer/fact-envelope.ts'
import { countOpenDeadLetters, type GroupTopicRow, listGroups, saveLagging } from './groups.ts'

const MEASURE_MS = 10_000
/** From here a group lags however young its events are. */
const LAG_EVENTS = 10_000

const LAG = 'soma_events_consumer_lag_events'
const AGE = 'soma_events_consumer_oldest_age_seconds'
const PARKED = 'soma_events_parked_rows'
/** What `_consumer_oldest_age_seconds` is compared with: the alert rules follow the configuration. */
const SLO = 'soma_events_lag_slo_seconds'
const DEAD = 'soma_events_dead_letters_open'

export interface LagWatchOptions extends Pick<EventsPorts, 'bus' | 'busTransaction' | 'recorder'> {
  readonly database: ModuleDatabase
  readonly clock: Clock
  readonly metrics: Metrics
  /** Age of the oldest unsettled event from which a group lags. */
  readonly lagSloMs: number
}

interface Measured {
  readonly row: GroupTopicRow
  readonly oldestAgeMs: number
  readonly isLagging: boolean
}

/**
 * Measures how far every group is behind, tells once that one lags and once that it has caught up, and sets the gauges. Of subscriptions only those that lag have gauges of lag and
 * age: tenants make as many subscriptions as they like, and one that nobody is connected to stands far behind events that it does not want.
 */
export function createLagWatch(options: LagWatchOptions): Job {
  const { bus, busTransaction, metrics } = options
  const oldestWanted = createWantedReader(options.database)
  return {
    name: 'lag',
    everyMs: MEASURE_MS,
    run: async () => {
      const heads = await bus.partitions()
      const rows = await busTransaction((session) => listGroups(session, heads))
      const measured: Measured[] = []
      for (const row of rows) measured.push(await measure(row, oldestWanted, options))
      oldestWanted.keep(rows)
      await tell(measured, options)
      metrics.gauge(SLO, options.lagSloMs / 1000)
      setGauges(measured, await busTransaction(countOpenDeadLetters), metrics)
    },
    elsewhere: () => {
      for (const name of [LAG, AGE, PARKED, DEAD]) metrics.gauges(name, [])
    },
  }
}

async function measure(
  row: GroupTopicRow,
  oldestWanted: WantedReader,
  { clock, lagSloMs }: LagWatchOptions,
): Promise<Measured> {
  const now = clock.now().getTime()
  const ageOf = (at: Date | null) => (at === null ? 0 : Math.max(0, now - at.getTime()))
  const isOver = (at: Date | null) => at !== null && (ageOf(at) > lagSloMs || row.lag > LAG_EVENTS)
  const isCertain = row.config === null || !isOver(row.ahead)
  const ahead = isCertain ? row.ahead : await oldestWanted.read(row)
  const oldest = ageOf(row.unfinished) > ageOf(ahead) ? row.unfinished : ahead
  return { row, oldestAgeMs: ageOf(oldest), isLagging: isOver(oldest) }
}

interface WantedReader {
  /** When the oldest event behind the cursors that the subscription wants was recorded. */
  read(row: GroupTopicRow): Promise<Date | null>
  /** Forgets all but these. */
  keep(rows: readonly GroupTopicRow[]): void
}

/** A subscription that nobody is connected to is looked through once: later only what was recorded since. */
function createWantedReader(database: ModuleDatabase): WantedReader {
  interface Known {
    readonly positions: readonly number[]
    readonly found: Date | undefined
  }
  const known = new Map<string, Known>()
  const keyOf = ({ grp, topic, version, positions }: GroupTopicRow) => `${grp} ${topic} ${version} ${positions.join()}`
  return {
    read: async (row) => {
      const { config, space_id, tenant_id } = row
      const before = known.get(keyOf(row))
      if (before?.found !== undefined) return before.found
      if (config === null || tenant_id === null) return null
      const { readings, filter } = readsOf({ config, space_id: space_id ?? '' })
      const topic = row.topic as Topic
      if (!readings.has(topic)) return null
      const positions = before?.positions ?? row.positions
      const { records, heads } = await database.asWorker(database.moduleContext(tenant_id), (tx) =>
        readAfter(tx, { topic, positions, readings, filter, limit: 1 }),
      )
      const found = records[0]?.recordedAt
      known.set(keyOf(row), { positions: found === undefined ? heads : positions, found })
      return found ?? null
    },
    keep: (rows) => {
      const keys = new Set(rows.map(keyOf))
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key)
    },
  }
}

/** What is remembered and what is told are one transaction, so that no process tells it again. */
async function tell(measured: readonly Measured[], options: LagWatchOptions): Promise<void> {
  const { busTransaction, recorder, clock, lagSloMs } = options
  const threshold = { lag: LAG_EVENTS, oldestAgeMs: lagSloMs }
  const factsOf = (
    definition: typeof consumerLagging | typeof consumerRecovered,
    places: readonly { readonly grp: string; readonly topic: string }[],
  ) =>
    places.flatMap(({ grp, topic }) => {
      const found = measured.find(({ row }) => row.grp === grp && row.topic === topic)
      // The group was deleted meanwhile.
      if (found === undefined) return []
      const { row, oldestAgeMs } = found
      const group = wirePlace(grp)
      const about = { tenantId: row.tenant_id ?? PLATFORM_TENANT, spaceId: row.space_id ?? '' }
      const data = { group, topic, lag: row.lag, oldestAgeMs, threshold }
      return [factEnvelope(definition, data, { about, now: clock.now(), key: group })]
    })
  const lagging = measured.filter(({ isLagging }) => isLagging).map(({ row }) => row)
  const facts = await busTransaction(async (session) => {
    const { raised, recovered } = await saveLagging(session, lagging)
    const envelopes = [...factsOf(consumerLagging, raised), ...factsOf(consumerRecovered, recovered)]
    if (envelopes.length > 0) await recorder.write(session, envelopes)
    return envelopes
  })
  if (facts.length > 0) recorder.committed(facts)
}

function setGauges(
  measured: readonly Measured[],
  deadLetters: readonly { readonly grp: string; readonly total: number }[],
  metrics: Metrics,
): void {
  const shown = measured.filter(({ row, isLagging }) => row.tenant_id === null || isLagging)
  metrics.gauges(
    LAG,
    shown.map(({ row: { grp, topic, lag } }) => ({ value: lag, labels: { group: wirePlace(grp), topic } })),
  )
  const ages = new Map<string, number>()
  for (const { row, oldestAgeMs } of shown) ages.set(row.grp, Math.max(ages.get(row.grp) ?? 0, oldestAgeMs / 1000))
  const parked = new Map<string, number>()
  for (const { row } of measured)
    if (row.tenant_id === null || row.parked > 0) parked.set(row.grp, (parked.get(row.grp) ?? 0) + row.parked)
  const dead = new Map(measured.filter(({ row }) => row.tenant_id === null).map(({ row }) => [row.grp, 0]))
  for (const { grp, total } of deadLetters) dead.set(grp, total)
  for (const [name, values] of [
    [AGE, ages],
    [PARKED, parked],
    [DEAD, dead],
  ] as const)
    metrics.gauges(
      name,
      [...values].map(([grp, value]) => ({ value, labels: { group: wirePlace(grp) } })),
    )
}
