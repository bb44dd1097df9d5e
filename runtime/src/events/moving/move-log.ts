import {
  type Database,
  type EventBus,
  type Logger,
  noMetrics,
  type PartitionState,
  type SqlSession,
} from '@soma/kernel'
import { createRelay } from '../relay.ts'
import { copyPartition } from './copy-log.ts'
import { createShiftedBus, readShifts } from './shifted-bus.ts'

/** Rows of the log that change their segment in one statement. */
const SLICE = 5_000

/** A log as the move sees it. */
export interface MovedLog {
  /** `events.bus` */
  readonly name: string
  /** Data is opened when it is read and sealed when it is appended, positions are those of the bus itself. */
  readonly bus: EventBus
}

export interface MoveOptions {
  readonly database: Database
  readonly from: MovedLog
  readonly to: MovedLog
  /** Copies what a log outside the database has into `events.log`, to its last event. */
  readonly copyIntoDatabase: (bus: EventBus) => Promise<void>
  /** In the last transaction: what others keep of places gets segment 1. */
  readonly joinPlaces?: (session: SqlSession) => Promise<void>
  readonly log: Logger
  readonly onCopied?: (records: number) => void
}

/**
 * Moves the log of a stopped installation to another bus. All that readers keep, cursors, unfinished deliveries, dead letters, subscriptions, sequences, stays as it is, because positions stay.
 * A move that was interrupted goes on when it is called again; until it has ended no process starts.
 * @throws Error when processes run, the log is elsewhere, or the other bus holds events that are not this installation's
 */
export async function moveLog(options: MoveOptions): Promise<{ copied: number }> {
  const { database, from, to, log } = options
  if (!(await begin(options))) return { copied: 0 }
  const asBus = <T>(work: (session: SqlSession) => Promise<T>) => database.transaction({ role: 'soma_bus' }, work)
  const source = createShiftedBus(from.bus, await asBus((session) => readShifts(session, from.name)))
  await shipAll(database, source, log)
  const states = await source.partitions()
  let copied = 0
  if (to.bus.flags.transactionalWithDatabase) await options.copyIntoDatabase(source)
  else {
    await fixShifts(database, states, to)
    const target = createShiftedBus(to.bus, await asBus((session) => readShifts(session, to.name)))
    const onCopied = (records: number) => {
      copied += records
      options.onCopied?.(records)
    }
    await copyAll(states, { from: source, to: target, onCopied })
    if (from.bus.flags.transactionalWithDatabase) await joinSegments(database)
  }
  if (to.bus.flags.transactionalWithDatabase) await closeFirstSegments(database)
  await asBus(async (session) => {
    await options.joinPlaces?.(session)
    await end(session, from.name, to.name)
  })
  log.info('the log was moved', { from: from.name, to: to.name, copied })
  return { copied }
}

/** From here no process starts. False when the log is there: an earlier call got through, though perhaps nobody heard of it. */
async function begin({ database, from, to }: MoveOptions): Promise<boolean> {
  return database.transaction({ role: 'soma_bus' }, async (session) => {
    const [home] = await session.query<{ bus: string }>('select bus from events.installation for update')
    if (home === undefined) throw new Error('this installation never started: there is nothing to move')
    if (home.bus === to.name) return false
    if (home.bus !== from.name)
      throw new Error(`the log of this installation is on ${home.bus}, not on ${from.name}: nothing was done`)
    const holders = await session.query<{ name: string }>(
      `select name from runtime.job_leases where lease_until > clock_timestamp()
        and (name = 'relay' or name = 'log-index' or starts_with(name, 'group/') or starts_with(name, 'dispatch/')) order by name`,
    )
    if (holders.length > 0)
      throw new Error(
        `processes of this installation run (${holders[0]?.name} is held): stop them all, then wait 60 s if one was killed`,
      )
    await session.execute('insert into events.move (bus) values ($1) on conflict do nothing', [to.name])
    const [move] = await session.query<{ bus: string }>('select bus from events.move')
    if (move?.bus !== to.name)
      throw new Error(`a move to ${move?.bus} has begun: finish it, or take it back by moving to ${from.name}`)
    return true
  })
}

/** Takes back a move that has not ended: the log stays where it is. */
export async function cancelMove(database: Database): Promise<boolean> {
  return database.transaction({ role: 'soma_bus' }, async (session) => {
    const [move] = await session.query<{ bus: string }>('select bus from events.move')
    if (move === undefined) return false
    await session.execute('delete from events.shift where bus = $1', [move.bus])
    await session.execute('delete from events.move')
    return true
  })
}

/** What waits in the outbox goes to the log that knows which of it was shipped. */
async function shipAll(database: Database, bus: EventBus, log: Logger): Promise<void> {
  const relay = createRelay({ database, bus, log, metrics: noMetrics })
  while ((await relay.runOnce()) > 0);
  await relay.stop(0)
  const { rows } = await relay.backlog()
  if (rows > 0) throw new Error(`${rows} events wait in the outbox and could not be shipped: call it again`)
}

/** Once a move, before the first record is copied: an empty partition begins behind what the old log dropped. */
async function fixShifts(database: Database, states: readonly PartitionState[], to: MovedLog): Promise<void> {
  const raw = new Map((await to.bus.partitions()).map((state) => [`${state.topic}:${state.part}`, state]))
  await database.transaction({ role: 'soma_bus' }, async (session) => {
    if ((await readShifts(session, to.name)).size > 0) return
    for (const { topic, part, oldestPosition } of states) {
      const target = raw.get(`${topic}:${part}`)
      if (target === undefined) throw new Error(`there is no partition ${part} of ${topic} on ${to.name}`)
      if (target.oldestPosition <= target.position)
        throw new Error(`partition ${part} of ${topic} holds events on ${to.name} already: empty the bus first`)
      await session.execute('insert into events.shift (bus, topic, part, shift) values ($1, $2, $3, $4)', [
        to.name,
        topic,
        part,
        oldestPosition - 1 - target.position,
      ])
    }
  })
}

async function copyAll(states: readonly PartitionState[], options: Parameters<typeof copyPartition>[2]): Promise<void> {
  const copied = new Map((await options.to.partitions()).map((each) => [`${each.topic}:${each.part}`, each.position]))
  for (const topic of new Set(states.map((state) => state.topic))) {
    const parts = states.filter((state) => state.topic === topic)
    await Promise.all(
      parts.map((state) => copyPartition(state, copied.get(`${topic}:${state.part}`) as number, options)),
    )
  }
  const heads = new Map((await options.to.partitions()).map((each) => [`${each.topic}:${each.part}`, each.position]))
  for (const { topic, part, position } of states)
    if (heads.get(`${topic}:${part}`) !== position)
      throw new Error(`partition ${part} of ${topic} ends at ${heads.get(`${topic}:${part}`)} and not at ${position}`)
}

/** A log outside the database has one segment, and so has its copy in the database. */
async function joinSegments(database: Database): Promise<void> {
  const topics = await database.asOwner(async (session) => {
    const rows = await session.query<{ topic: string }>('select distinct topic from events.segment order by topic')
    for (const { topic } of rows) await session.query('select events.create_segment($1, 1)', [topic])
    return rows.map(({ topic }) => topic)
  })
  for (const topic of topics)
    for (let moved = SLICE; moved === SLICE; )
      moved = await database.transaction({ role: 'soma_bus' }, (session) =>
        session.execute(
          `update events.log set segment = 1 where (topic, part, segment, pos) in (
             select topic, part, segment, pos from events.log where topic = $1 and segment > 1 order by part, pos limit ${SLICE})`,
          [topic],
        ),
      )
}

/** What is in the first segment came from the bus, the last of it just now; where others were opened before, the newest of them goes on. */
async function closeFirstSegments(database: Database): Promise<void> {
  await database.asOwner((session) =>
    session.execute(
      `update events.segment s set opened_at = coalesce(s.opened_at, s.closed_at, clock_timestamp()), closed_at = clock_timestamp()
        where s.segment = 1 and exists (select from events.partition p where p.topic = s.topic and p.segment > 1)`,
    ),
  )
}

async function end(session: SqlSession, from: string, to: string): Promise<void> {
  await session.execute('update events.cursor set segment = 1 where segment > 1')
  await session.execute('update events.delivery set segment = 1 where segment > 1')
  await session.execute('update events.dead_letter set segment = 1 where segment > 1')
  await session.execute('delete from events.shift where bus = $1', [from])
  await session.execute('delete from events.move')
  await session.execute('update events.installation set bus = $1', [to])
}
