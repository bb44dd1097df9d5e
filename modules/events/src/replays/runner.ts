import {
  type Clock,
  type EventEnvelope,
  type Logger,
  type LogReader,
  type LogRecord,
  type Metrics,
  newUuid,
  toId,
} from '@soma/kernel'
import { replayCompleted, replayStarted } from '../../contract/facts.ts'
import { restoreReplayed } from '../dispatch/reviving.ts'
import type { Groups } from '../dispatch/groups.ts'
import type { EventsPorts } from '../ports.ts'
import { factEnvelope } from '../writer/fact-envelope.ts'
import { factOf } from './service.ts'
import * as store from './store.ts'
import { readWanted, wantedBy } from './wanted.ts'

const STEP_MS = 100
/** Replays whose notice was lost, or whose process died, are found this late at most. */
const LOOK_MS = 10_000
/** Deliveries of a replay before its group at one time: live events of a key wait behind those of it that are. */
const UNFINISHED_LIMIT = 2000

export interface RunnerOptions extends Pick<EventsPorts, 'busTransaction' | 'recorder' | 'wakeModuleGroup'> {
  readonly groups: Groups
  readonly reader: LogReader
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

export interface ReplayRunner {
  /** Ends between two steps and gives its leases back. */
  close(): Promise<void>
}

interface Running {
  readonly id: string
  /** Events that may be handed out now. */
  tokens: number
  atMs: number
}

/**
 * Puts replayed events before their groups at their rate. A subscription's runs where its dispatcher does, so that the rows and the dispatcher's memory change
 * together, and waits while there is none; a module's runs in one process, under a lease. How far it is stands in its row: another process goes on from there.
 */
export function createReplayRunner(options: RunnerOptions): ReplayRunner {
  const owner = newUuid()
  const running = new Map<string, Running>()
  let inHand: Promise<void> | undefined
  let lookedAtMs = Number.NEGATIVE_INFINITY

  const turn = async () => {
    if (performance.now() - lookedAtMs > LOOK_MS) {
      lookedAtMs = performance.now()
      const rows = await options.busTransaction(store.listRunning)
      for (const { id } of rows) if (!running.has(id)) running.set(id, { id, tokens: 0, atMs: performance.now() })
    }
    for (const replay of running.values()) if (await step(replay, owner, options)) running.delete(replay.id)
  }
  const timer = setInterval(() => {
    inHand ??= turn()
      .catch((error: unknown) => options.log.warn('a replay cannot go on', { error }))
      .finally(() => {
        inHand = undefined
      })
  }, STEP_MS).unref()
  const stopHearing = options.reader.onAppend('system-events', (records) => {
    if (records.some(({ type }) => type === replayStarted.type)) lookedAtMs = Number.NEGATIVE_INFINITY
  })
  return {
    close: async () => {
      clearInterval(timer)
      stopHearing()
      await inHand
      const ids = [...running.keys()]
      if (ids.length > 0) await options.busTransaction((session) => store.releaseReplays(session, ids, owner))
    },
  }
}

/** One look at a replay. True when it runs no longer. */
async function step(replay: Running, owner: string, options: RunnerOptions): Promise<boolean> {
  const { busTransaction, groups } = options
  const start = await busTransaction(async (session) => {
    const row = await store.findReplay(session, replay.id)
    if (row?.state !== 'running') return undefined
    const isHere = row.grp.startsWith('module:')
      ? await store.claimReplay(session, row.id, owner)
      : groups.loaded().some(({ config }) => config.group === row.grp)
    return { row, isHere, wanted: await wantedBy(session, row), passed: await store.passedBy(session, row.grp) }
  })
  if (start === undefined) return true
  const { row, isHere, wanted, passed } = start
  if (!isHere) return false
  const budget = Math.min(refill(replay, row.filter.ratePerSecond), UNFINISHED_LIMIT - row.unfinished)
  const records: LogRecord[] = []
  const places: store.ReplayPlace[] = []
  for (const place of row.places) {
    const until = passed.get(`${place.topic}:${place.part}`) ?? 0
    const read = await readWanted(options.reader, place, { wanted, until, limit: budget - records.length })
    records.push(...read.records)
    places.push(read.place)
  }
  replay.tokens -= records.length
  if (!(await handOn({ ...row, places }, records, options))) return true
  const isDone = records.length === 0 && row.unfinished === 0 && places.every(({ position, end }) => position >= end)
  if (isDone) await complete(row, options)
  return isDone
}

function refill(replay: Running, ratePerSecond: number): number {
  const now = performance.now()
  replay.tokens = Math.min(ratePerSecond, replay.tokens + ((now - replay.atMs) / 1000) * ratePerSecond)
  replay.atMs = now
  return Math.floor(replay.tokens)
}

/** Progress and deliveries are one transaction, so that a crash repeats nothing. False when the replay runs no longer. */
async function handOn(row: store.ReplayRow, records: readonly LogRecord[], options: RunnerOptions): Promise<boolean> {
  const group = options.groups.loaded().find(({ config }) => config.group === row.grp)
  const to = { group: row.grp, replayId: row.id }
  const made = await options.busTransaction(async (session) => {
    const rows = records.length === 0 ? [] : await store.handOut(session, to, records)
    const isRunning = await store.saveProgress(session, row.id, { places: row.places, found: records.length })
    if (!isRunning && rows.length > 0) await store.takeBack(session, row.id)
    return isRunning ? rows : undefined
  })
  if (made === undefined) return false
  if (made.length === 0) return true
  options.metrics.count('soma_events_replayed_total', {}, made.length)
  if (row.grp.startsWith('module:')) await options.wakeModuleGroup(row.grp)
  else if (group === undefined || group.isClosed)
    // A dispatcher that was made meanwhile may have read its rows before these came.
    options.groups
      .loaded()
      .find(({ config }) => config.group === row.grp)
      ?.outdated()
  else restoreReplayed(group, row.id, { made, records })
  return true
}

async function complete(row: store.ReplayRow, { busTransaction, recorder, clock }: RunnerOptions): Promise<void> {
  const envelopes = await busTransaction(async (session) => {
    const ended = await store.endReplay(session, row.id, 'completed')
    const facts: EventEnvelope[] = []
    if (ended === undefined) return facts
    const about = { tenantId: row.tenant_id, spaceId: row.space_id }
    const data = factOf(ended, row.created_by)
    facts.push(factEnvelope(replayCompleted, data, { about, now: clock.now(), key: toId('rpl', row.id) }))
    await recorder.write(session, facts)
    return facts
  })
  if (envelopes.length > 0) recorder.committed(envelopes)
}
