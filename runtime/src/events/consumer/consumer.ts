import { setMaxListeners } from 'node:events'
import {
  createReadSize,
  type Database,
  type EventHandler,
  isHole,
  type Logger,
  type LogReader,
  type Metrics,
  newUuid,
} from '@soma/kernel'
import type { WaitingKey } from '../deliveries/store.ts'
import type { Emitter } from '../emitter.ts'
import { createCursorCommits } from './cursor-commits.ts'
import { createDeliver } from './deliver.ts'
import { createGroup, type Group } from './group.ts'
import { createHandlerIndex } from './handler-index.ts'
import { createHolding } from './holding.ts'
import { createLanes } from './lanes.ts'
import { type Lane, laneOf, type PartitionRun } from './partition-run.ts'
import { createReading } from './reading.ts'
import { createReplays } from './replays.ts'
import type { RunInModule } from './run-handlers.ts'
import { type ConsumerSettings, consumerDefaults } from './settings.ts'
import { createSharing } from './sharing.ts'
import { createSuspension } from './suspension.ts'
import type { Entry } from './window.ts'

/** On the embedded engine a directory lock proves that no other process exists, so leases need not be short. */
const EMBEDDED_LEASE_MS = 60_000
/**
 * The embedded engine runs one transaction at a time, so more in hand only makes a line that every request waits in too: ten groups with 64 each kept a publish waiting for
 * 640 handlers. Four keep the engine busy while results are taken in.
 */
const EMBEDDED_CONCURRENCY = 4

export interface ConsumerOptions {
  /** `module:<name>` */
  readonly group: string
  readonly handlers: readonly EventHandler[]
  readonly database: Database
  readonly reader: LogReader
  readonly emitter: Emitter
  readonly runInModule: RunInModule
  /** Partition count of the installation. */
  readonly partitions: number
  readonly settings?: Partial<ConsumerSettings>
  readonly log: Logger
  readonly metrics: Metrics
}

export interface ConsumerState {
  readonly state: 'active' | 'suspended' | 'stopped'
  readonly partitions: number
  readonly inHand: number
  readonly parked: number
}

export interface Consumer {
  readonly group: string
  /** Claims partitions and begins. Resolves after the first claim. */
  start(): Promise<void>
  /** Takes nothing new, lets what is in hand finish for `graceMs` (10,000), rolls the rest back, commits cursors and frees the partitions. */
  stop(graceMs?: number): Promise<void>
  /** Ends like a killed process does, for tests: no cursor is written and no lease is freed. */
  abandon(): Promise<void>
  state(): ConsumerState
}

/**
 * The handlers of one module as a group of readers: every event of their topics at least once, effects once (inbox), in order per key, keys side by side.
 * A failing event waits in `events.delivery` with the later events of its key behind it; all other keys go on.
 */
export function createConsumer(options: ConsumerOptions): Consumer {
  const { database, reader, log, metrics } = options
  const settings = { ...consumerDefaults, ...embedded(database), ...options.settings }
  const handlers = createHandlerIndex(options.handlers)
  const group = createGroup({ name: options.group, owner: newUuid(), settings, handlers, database, log, metrics })
  const hardStop = new AbortController()
  // One listener an event in hand.
  setMaxListeners(0, hardStop.signal)

  const size = createReadSize()
  const suspension = createSuspension(settings.suspendAfterKeys, (suspended) => {
    log.warn(suspended ? 'group suspended: a dependency is down' : 'group resumed', { group: group.name })
    metrics.gauge('soma_events_group_suspended', suspended ? 1 : 0, { group: group.name })
    if (!suspended) setImmediate(() => lanes.drain())
  })
  const finish = (run: PartitionRun, entry: Entry) => {
    if (run.lost) return
    run.window.finish(entry)
    commits.finished()
    reading.resume(run)
  }
  const deliver = createDeliver({
    ...options,
    owner: group.owner,
    handlers,
    settings,
    suspension,
    share: createSharing(options.runInModule),
    noteEnd: size.noteEnd,
    stopping: hardStop.signal,
    isHeld: (lane) => holding.isHeld(lane.run),
    lose: (lane) => group.lose(lane.run),
    finish: (lane, entry) => finish(lane.run, entry),
  })
  const lanes = createLanes({
    ...settings,
    suspension,
    canPark: () => parkedRows(group) < settings.maxParked,
    log,
    step: deliver,
  })
  const commits = createCursorCommits(group)
  const reading = createReading(group, { reader, size }, (run, record) => {
    const entry = run.window.add(record)
    if (isHole(record) || handlers.matching(record.topic, record.type).length === 0) return finish(run, entry)
    const lane = laneOf(run, record.tenantId, record.key)
    lane.queue.push(entry)
    lanes.wake(lane)
  })
  const begin = (run: PartitionRun, waiting: readonly WaitingKey[]) => {
    for (const key of waiting) lanes.wake(blockedLane(run, key))
    reading.read(run)
  }
  const holding = createHolding({
    group,
    database,
    partitions: options.partitions,
    begin,
    commit: commits.commit,
  })
  const replays = createReplays(group, database, lanes.revive)
  const endings: (() => void)[] = []
  const takeNothingNew = async () => {
    group.stop()
    for (const end of endings) end()
    commits.stop()
    await replays.stop()
    await holding.stop()
  }

  return {
    group: group.name,
    start: async () => {
      if (handlers.topics.length === 0) return
      endings.push(...handlers.topics.map((topic) => reading.follow(topic)))
      await replays.start()
      await holding.start()
    },
    stop: async (graceMs = 10_000) => {
      await takeNothingNew()
      const timer = setTimeout(() => hardStop.abort(), graceMs)
      await lanes.stop()
      clearTimeout(timer)
      await commits.commit()
      hardStop.abort()
      // First out of the count of members, so that those who are told may claim everything.
      await holding.leave()
      await holding.release([...group.runs.values()])
    },
    abandon: async () => {
      await takeNothingNew()
      hardStop.abort()
      for (const run of [...group.runs.values()]) group.lose(run)
      await lanes.stop()
    },
    state: () => ({
      state: group.isStopped() ? 'stopped' : suspension.isSuspended() ? 'suspended' : 'active',
      partitions: group.runs.size,
      inHand: lanes.inHand(),
      parked: parkedRows(group),
    }),
  }
}

const embedded = (database: Database): Partial<ConsumerSettings> =>
  database.engine === 'pglite' ? { leaseMs: EMBEDDED_LEASE_MS, concurrency: EMBEDDED_CONCURRENCY } : {}

function parkedRows(group: Group): number {
  let rows = 0
  for (const run of group.runs.values()) for (const lane of run.lanes.values()) rows += lane.parked
  return rows
}

/** The lane of a key that the owner before left waiting. */
function blockedLane(run: PartitionRun, key: WaitingKey): Lane {
  const lane = laneOf(run, key.tenant_id, key.key)
  lane.blocked = true
  lane.dueAt = performance.now() + key.due_in_ms
  lane.parked = key.waiting - 1
  return lane
}
