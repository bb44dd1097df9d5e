import {
  type Clock,
  type EventEnvelope,
  isHole,
  type Logger,
  type LogReader,
  type LogRecord,
  type Metrics,
  type ModuleDatabase,
  openRecord,
  type PartitionState,
  type SqlSession,
} from '@soma/kernel'
import { removeOld, type Retention } from '../keeping/retention.ts'
import { isAgentFact } from '../projection/agents.ts'
import { project, projectAgent } from '../projection/project.ts'
import { shadowOf } from './shadow.ts'
import * as store from './store.ts'

/** Events of the log that are looked at in one transaction. */
const STRETCH = 500
/** How often the end is tried again while what is live and what is built pass each other. */
const TRIES = 20
const TRY_AGAIN_MS = 100

interface Dependencies {
  readonly database: ModuleDatabase
  readonly reader: LogReader
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  readonly retention: Retention
  /** Topics and types that are projected. */
  readonly isProjected: (record: Pick<LogRecord, 'topic' | 'type'>) => boolean
  readonly topics: readonly string[]
}

/**
 * Fills the shadow models of a tenant from the log, stretch by stretch; how far it is stands in its row, so another run goes on after a crash.
 * From the moment that the row is there handlers apply what is new to both models, so the log need be read only to where it ended then. Applying twice and in any
 * order gives the same (TRK-R1, R2), but for facts of agents, whose order counts: those the rebuild reads alone, until it has all that are live.
 */
export function createRebuildRunner(dependencies: Dependencies) {
  const { database, reader, log, metrics, clock, retention, isProjected, topics } = dependencies
  return async function run(signal: AbortSignal): Promise<void> {
    const running = await database.asScheduler((session) =>
      session.query<{ tenant_id: string; id: string }>(
        `select tenant_id, id from tracker.rebuilds where status = 'running'`,
      ),
    )
    for (const { tenant_id, id } of running) await build(tenant_id, id, signal)
  }

  async function build(tenantId: string, id: string, signal: AbortSignal): Promise<void> {
    for (let tries = 0; !signal.aborted; ) {
      const row = await inTenant(tenantId, (tx) => store.readRebuild(tx, id))
      if (row?.status !== 'running') return
      const place = row.places === null ? undefined : store.nextOf(row.places)
      if (row.places === null) await begin(tenantId, id)
      else if (place !== undefined) await readOn(tenantId, { ...row, places: row.places }, place)
      else if (await finish(tenantId, row, tries)) return
      else {
        tries += 1
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS))
        await extend(tenantId, { ...row, places: row.places })
      }
    }
  }

  function inTenant<T>(tenantId: string, work: (tx: SqlSession) => Promise<T>): Promise<T> {
    return database.asWorker(database.moduleContext(tenantId), work)
  }

  /** What handlers have applied before the shadow is empty is in the log by then; what they apply later they apply to it too. So where the log ends is asked afterwards. */
  async function begin(tenantId: string, id: string): Promise<void> {
    const before = await heads(topics)
    await inTenant(tenantId, async (tx) => {
      if ((await store.lockRebuild(tx, id)) === undefined) return
      await store.holdWriters(tx)
      await store.clearShadow(tx)
      await store.keepOlder(tx, before)
    })
    const oldest = new Map(before.map(({ topic, part, oldestPosition }) => [`${topic}:${part}`, oldestPosition]))
    const places = (await heads(topics)).map(({ topic, part, position, oldestPosition }) => {
      const from = oldest.get(`${topic}:${part}`) ?? oldestPosition
      return { topic, part, segment: 0, position: 0, oldest: from, until: position }
    })
    await inTenant(tenantId, (tx) => store.saveProgress(tx, id, { places, applied: 0, failed: 0 }))
  }

  async function heads(of: readonly string[]): Promise<PartitionState[]> {
    const found: PartitionState[] = []
    for (const topic of of) found.push(...(await reader.heads(topic)))
    return found
  }

  async function readOn(tenantId: string, row: Row, place: store.Place): Promise<void> {
    const { topic, part, until } = place
    const read = await reader.read(topic, part, place, STRETCH)
    const records = read.filter(({ position }) => position <= until)
    const wanted = records.flatMap((record) => eventOf(record, tenantId) ?? [])
    const places = store.passed(row.places, place, records)
    const save = async (tx: SqlSession, applied: number, failed: number) =>
      store.saveProgress(tx, row.id, { places, applied, failed })
    try {
      await inTenant(tenantId, async (tx) => {
        for (const event of wanted) await apply(tx, event)
        await save(tx, wanted.length, 0)
      })
    } catch (error) {
      log.warn('a stretch of the log is rebuilt event by event: one cannot be applied', { topic, part, error })
      const failed = await applyOneByOne(tenantId, wanted)
      await inTenant(tenantId, (tx) => save(tx, wanted.length - failed, failed))
    }
  }

  function eventOf(record: LogRecord, tenantId: string): EventEnvelope | undefined {
    if (record.tenantId !== tenantId || isHole(record) || !isProjected(record)) return undefined
    const opened = openRecord(record)
    return 'event' in opened ? opened.event : undefined
  }

  /** What cannot be applied is a dead letter of the handlers too, and in neither model. */
  async function applyOneByOne(tenantId: string, events: readonly EventEnvelope[]): Promise<number> {
    let failed = 0
    for (const event of events)
      await inTenant(tenantId, (tx) => apply(tx, event)).catch(() => {
        failed += 1
      })
    return failed
  }

  async function apply(tx: SqlSession, event: EventEnvelope): Promise<void> {
    const shadow = shadowOf(tx)
    if (isAgentFact(event)) await projectAgent(shadow, event)
    else await project({ event, tx: shadow })
  }

  /** Reads on where facts of agents are. */
  async function extend(tenantId: string, row: Row): Promise<void> {
    const now = await heads(['system-events'])
    const places = row.places.map((place) => {
      const head = now.find(({ topic, part }) => topic === place.topic && part === place.part)
      return head === undefined ? place : { ...place, until: Math.max(place.until, head.position) }
    })
    await inTenant(tenantId, (tx) => store.saveProgress(tx, row.id, { places, applied: 0, failed: 0 }))
  }

  /** Compares, swaps and ends in one transaction. False while that must wait. */
  async function finish(tenantId: string, { id, kind }: store.RebuildRecord, tries: number): Promise<boolean> {
    const models = await inTenant(tenantId, async (tx) => {
      if ((await store.lockRebuild(tx, id)) === undefined) return []
      await store.holdWriters(tx)
      if (tries < TRIES && (await store.isBehind(tx, kind))) return undefined
      if (tries === TRIES) await store.keepNewerAgents(tx)
      await removeOld(shadowOf(tx), retention, clock.now())
      const compared = await store.compareModels(tx)
      if (kind === 'rebuild') await store.swapModels(tx)
      await store.clearShadow(tx)
      await store.endRebuild(tx, id, compared)
      return compared
    })
    if (models === undefined) return false
    const wrong = models.filter((one) => !one.isEqual).map(({ model }) => model)
    if (kind === 'verify' && wrong.length > 0) {
      for (const model of wrong) metrics.count('soma_tracker_verify_mismatch_total', { model })
      log.error('read models differ from the log', { rebuildId: id, models: wrong })
    }
    log.info('read models were rebuilt from the log', {
      rebuildId: id,
      kind,
      equal: wrong.length === 0,
    })
    return true
  }
}

type Row = Omit<store.RebuildRecord, 'places'> & { readonly places: readonly store.Place[] }
