import { setMaxListeners } from 'node:events'
import {
  type Database,
  type EventHandler,
  type Logger,
  type LogReader,
  type LogRecord,
  type Metrics,
  newUuid,
  type SqlSession,
} from '@soma/kernel'
import {
  commitCursors,
  type Held,
  type HeldPartition,
  holdPartitions,
  leaveGroup,
  releasePartitions,
} from '../cursors/store.ts'
import { type WaitingKey, waitingKeys } from '../deliveries/store.ts'
import type { Emitter } from '../emitter.ts'
import { createDeliver } from './deliver.ts'
import { createHandlerIndex } from './handler-index.ts'
import { createLanes } from './lanes.ts'
import { createPartitionRun, laneOf, loseRun, type PartitionRun } from './partition-run.ts'
import type { RunInModule } from './run-handlers.ts'
import { type ConsumerSettings, consumerDefaults } from './settings.ts'
import { createSuspension } from './suspension.ts'
import type { Entry } from './window.ts'

/** NOTIFY channel: members of a group that left, so that others claim at once. Payload: the group. */
const GROUP_CHANNEL = 'soma_group'
const WINDOW = 512
const READ_LIMIT = 256
/** Finished events that are written at once instead of at the next timer. */
const COMMIT_AT = 500
/** On the embedded engine a directory lock proves that no other process exists, so leases need not be short. */
const EMBEDDED_LEASE_MS = 60_000

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
  /** True for a bus that others write to: then the attributes that the platform always stamps are checked too (EVT-R37). Default false. */
  readonly writableFromOutside?: boolean
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
  const { group, database, reader, log, metrics } = options
  const settings = { ...consumerDefaults, ...embedded(database), ...options.settings }
  const owner = newUuid()
  const handlers = createHandlerIndex(options.handlers)
  const runs = new Map<string, PartitionRun>()
  const hardStop = new AbortController()
  // One listener an event in hand.
  setMaxListeners(0, hardStop.signal)
  const endings: (() => unknown)[] = []
  let state: ConsumerState['state'] = 'active'
  let heldUntil = 0
  let nextLapseMs = Number.POSITIVE_INFINITY
  let finishedSinceCommit = 0
  let commitTimer: NodeJS.Timeout | undefined
  let holdTimer: NodeJS.Timeout | undefined
  let holding: Promise<void> | undefined
  let committing: Promise<void> = Promise.resolve()

  const asBus = <T>(work: (session: SqlSession) => Promise<T>) => database.transaction({ role: 'soma_bus' }, work)
  const background = (what: string, work: Promise<unknown>) => {
    work.catch((error: unknown) => log.warn(what, { group, error }))
  }

  const suspension = createSuspension(settings.suspendAfterKeys, (suspended) => {
    state = suspended ? 'suspended' : 'active'
    log.warn(suspended ? 'group suspended: a dependency is down' : 'group resumed', { group })
    metrics.gauge('soma_events_group_suspended', suspended ? 1 : 0, { group })
    if (!suspended) setImmediate(() => lanes.drain())
  })
  const parked = () => {
    let rows = 0
    for (const run of runs.values()) for (const lane of run.lanes.values()) rows += lane.parked
    return rows
  }
  const lanes = createLanes({
    concurrency: settings.concurrency,
    probeEveryMs: settings.probeEveryMs,
    suspension,
    canPark: () => parked() < settings.maxParked,
    log,
    step: createDeliver({
      ...options,
      owner,
      handlers,
      settings,
      suspension,
      writableFromOutside: options.writableFromOutside ?? false,
      stopping: hardStop.signal,
      isHeld: (lane) => !lane.run.lost && performance.now() < heldUntil,
      lose: (lane) => lose(lane.run),
      finish: (lane, entry) => finish(lane.run, entry),
    }),
  })

  function lose(run: PartitionRun): void {
    if (run.lost) return
    loseRun(run)
    if (runs.get(placeOf(run.held)) === run) runs.delete(placeOf(run.held))
    if (!hardStop.signal.aborted) metrics.count('soma_events_lease_losses_total', { group })
  }

  function finish(run: PartitionRun, entry: Entry): void {
    if (run.lost) return
    run.window.finish(entry)
    finishedSinceCommit += 1
    scheduleCommit()
    if (run.hasMore && run.window.size() < WINDOW / 2) read(run)
  }

  function scheduleCommit(): void {
    if (finishedSinceCommit >= COMMIT_AT) {
      finishedSinceCommit = 0
      background('cursors could not be written; the next commit tries again', commit())
    } else
      commitTimer ??= setTimeout(() => {
        commitTimer = undefined
        finishedSinceCommit = 0
        background('cursors could not be written; the next commit tries again', commit())
      }, settings.commitEveryMs).unref()
  }

  function commit(): Promise<void> {
    const next = committing.then(commitNow)
    committing = next.catch(() => undefined)
    return next
  }
  async function commitNow(): Promise<void> {
    const dirty = [...runs.values()].filter((run) => run.window.reached().position > run.committed)
    if (dirty.length === 0) return
    const cursors = dirty.map((run): HeldPartition => ({ ...run.held, ...run.window.reached() }))
    const moved = await asBus((session) => commitCursors(session, group, cursors))
    for (const [index, run] of dirty.entries()) {
      if (moved.has(placeOf(run.held))) run.committed = (cursors[index] as HeldPartition).position
      else lose(run)
    }
  }

  function read(run: PartitionRun): void {
    if (run.isReading) run.readAgain = true
    else
      background(
        'the log could not be read; it is tried again in a second',
        readOn(run).catch((error: unknown) => {
          setTimeout(() => read(run), 1_000).unref()
          throw error
        }),
      )
  }
  async function readOn(run: PartitionRun): Promise<void> {
    run.isReading = true
    try {
      do {
        run.readAgain = false
        run.hasMore = false
        while (isOpen(run) && !run.hasMore) {
          const records = await reader.read(run.held.topic, run.held.part, run.window.readFrom(), READ_LIMIT)
          if (records.length === 0) break
          for (const record of records) if (isOpen(run)) accept(run, record)
          run.hasMore = run.window.size() >= WINDOW
        }
      } while (run.readAgain && isOpen(run) && !run.hasMore)
    } finally {
      run.isReading = false
    }
  }
  const isOpen = (run: PartitionRun) => !run.lost && !run.draining && state !== 'stopped'

  function accept(run: PartitionRun, record: LogRecord): void {
    const entry = run.window.add(record)
    if (handlers.matching(record.topic, record.type).length === 0) return finish(run, entry)
    const lane = laneOf(run, record.tenantId, record.key)
    lane.queue.push(entry)
    lanes.wake(lane)
  }

  const hold = (): Promise<void> => {
    holding ??= holdNow().finally(() => {
      holding = undefined
      clearTimeout(holdTimer)
      if (state !== 'stopped')
        holdTimer = setTimeout(holdAgain, Math.min(settings.leaseMs * 0.3, nextLapseMs + 10)).unref()
    })
    return holding
  }
  const holdAgain = () => {
    if (state !== 'stopped') background('partitions could not be held; the next renewal tries again', hold())
  }
  async function holdNow(): Promise<void> {
    const sentAt = performance.now()
    if (sentAt > heldUntil) for (const run of [...runs.values()]) lose(run)
    const held = [...runs.values()].map((run) => run.held)
    const { topics } = handlers
    const { answer, waiting } = await asBus(async (session) => {
      const answer = await holdPartitions(session, {
        group,
        topics,
        partitions: options.partitions,
        owner,
        leaseMs: settings.leaseMs,
        held,
      })
      return { answer, waiting: await waitingKeys(session, group, answer.claimed) }
    })
    // Measured from before the request, so this clock gives up before the database's does.
    heldUntil = sentAt + settings.leaseMs * 0.95
    nextLapseMs = answer.nextLapseMs
    loseMissing(answer)
    for (const each of answer.claimed) begin(each, waiting)
    if (runs.size > answer.share) background('partitions could not be handed over', handOver(runs.size - answer.share))
  }
  function loseMissing(answer: Held): void {
    const renewed = new Set(answer.renewed.map(placeOf))
    for (const [place, run] of [...runs]) if (!renewed.has(place)) lose(run)
  }
  function begin(held: HeldPartition, waiting: readonly WaitingKey[]): void {
    const run = createPartitionRun(held)
    runs.set(placeOf(held), run)
    for (const key of waiting.filter((each) => placeOf(each) === placeOf(held))) {
      const lane = laneOf(run, key.tenant_id, key.key)
      lane.blocked = true
      lane.dueAt = performance.now() + key.due_in_ms
      lane.parked = key.waiting - 1
      lanes.wake(lane)
    }
    read(run)
  }
  async function handOver(count: number): Promise<void> {
    const given = [...runs.values()].filter((run) => !run.draining).slice(-count)
    for (const run of given) run.draining = true
    while (given.some((run) => [...run.lanes.values()].some((lane) => lane.isActive)) && !hardStop.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, 5))
    await commit()
    await release(given)
  }
  async function release(given: readonly PartitionRun[]): Promise<void> {
    const places = given.filter((run) => !run.lost).map((run) => run.held)
    for (const run of given) lose(run)
    await asBus((session) => releasePartitions(session, { group, owner }, places))
    if (database.engine === 'postgres') await database.notify(GROUP_CHANNEL, group)
  }

  const end = async () => {
    state = 'stopped'
    clearTimeout(holdTimer)
    clearTimeout(commitTimer)
    for (const ending of endings) await ending()
    await holding?.catch(() => undefined)
  }

  return {
    group,
    start: async () => {
      for (const topic of handlers.topics)
        endings.push(reader.onAppend(topic, (records) => wakeParts(runs, topic, records, read)))
      if (database.engine === 'postgres')
        endings.push(await database.listen(GROUP_CHANNEL, (of) => (of === group ? holdAgain() : undefined)))
      if (handlers.topics.length > 0) await hold()
    },
    stop: async (graceMs = 10_000) => {
      await end()
      const timer = setTimeout(() => hardStop.abort(), graceMs)
      await lanes.stop()
      clearTimeout(timer)
      await commit()
      hardStop.abort()
      await release([...runs.values()])
      await asBus((session) => leaveGroup(session, group, owner))
    },
    abandon: async () => {
      await end()
      hardStop.abort()
      for (const run of [...runs.values()]) lose(run)
      await lanes.stop()
    },
    state: () => ({ state, partitions: runs.size, inHand: lanes.inHand(), parked: parked() }),
  }
}

const placeOf = ({ topic, part }: { topic: string; part: number }): string => `${topic}:${part}`

const embedded = (database: Database): Partial<ConsumerSettings> =>
  database.engine === 'pglite' ? { leaseMs: EMBEDDED_LEASE_MS } : {}

function wakeParts(
  runs: ReadonlyMap<string, PartitionRun>,
  topic: string,
  records: readonly LogRecord[],
  read: (run: PartitionRun) => void,
): void {
  for (const part of new Set(records.map((record) => record.part))) {
    const run = runs.get(`${topic}:${part}`)
    if (run !== undefined && !run.hasMore) read(run)
  }
}
