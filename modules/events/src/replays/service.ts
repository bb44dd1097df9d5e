import {
  type Context,
  commonProblems,
  type LogReader,
  type ModuleDatabase,
  type PartitionState,
  type Topic,
  toId,
  uuidOf,
} from '@soma/kernel'
import type * as z from 'zod'
import { replayCancelled, replayStarted } from '../../contract/facts.ts'
import { positionTrimmed } from '../../contract/problems.ts'
import type { replayInputSchema, replaySchema } from '../../contract/replays.ts'
import { requireReadings } from '../log/service.ts'
import type { EventsPorts } from '../ports.ts'
import { groupOf, type SubscriptionRow, wireGroup } from '../subscriptions/config.ts'
import { requireVisible } from '../subscriptions/service.ts'
import { findSubscription } from '../subscriptions/store.ts'
import * as store from './store.ts'
import { readWanted, type Wanted, wantedBy } from './wanted.ts'

export interface ReplayServiceOptions extends Pick<EventsPorts, 'bus' | 'busTransaction'> {
  readonly database: ModuleDatabase
  readonly reader: LogReader
  /** Carries a change out while nobody of this process dispatches the subscription. */
  readonly restarted: (subscriptionId: string, change: () => Promise<void>) => Promise<void>
}

type Input = z.output<typeof replayInputSchema>

const COUNT_EVENTS = 1000

export function createReplayService(options: ReplayServiceOptions) {
  const { database } = options
  return {
    create: async (context: Context, input: Input, replayId: string) =>
      toReplay(await create(context, input, uuidOf('rpl', replayId), options)),
    get: async (context: Context, replayId: string) =>
      toReplay(
        required(await database.transaction(context, (tx) => store.findReplay(tx, uuidOf('rpl', replayId))), replayId),
      ),
    cancel: async (context: Context, replayId: string) => toReplay(await cancel(context, replayId, options)),
  }
}

async function create(
  context: Context,
  { subscriptionId, moduleGroup, dryRun, ...filter }: Input,
  id: string,
  options: ReplayServiceOptions,
): Promise<store.ReplayRow> {
  const { database } = options
  if (filter.topics !== undefined) requireReadings(filter.topics)
  const grp = subscriptionId === undefined ? (moduleGroup as string) : groupOf(uuidOf('sub', subscriptionId))
  const row = {
    id,
    grp,
    tenant_id: context.tenantId,
    space_id: context.spaceId,
    filter,
    created_by: context.principal.id,
  }
  const wanted = await database.transaction(context, async (tx) => {
    if (subscriptionId !== undefined)
      requireGroup(requireVisible(await findSubscription(tx, uuidOf('sub', subscriptionId)), subscriptionId))
    return wantedBy(tx, row)
  })
  const topics = await options.busTransaction((session) => store.topicsOf(session, grp))
  if (topics.length === 0) throw commonProblems.notFound.create(`no group ${wireGroup(grp)}`)
  const named = wanted.own.readings
  const chosen = topics.filter((topic) => named === undefined || named.has(topic as Topic))
  const places = await placesOf(chosen as Topic[], filter, options)
  const matched = dryRun ? await countWanted(places, wanted, options.reader) : 0
  return database.transaction(context, async (tx) => {
    const inserted = await store.insertReplay(tx, { ...row, places, matched, dry_run: dryRun })
    if (inserted === undefined) throw commonProblems.conflict.create(`another replay of ${wireGroup(grp)} runs`)
    if (!dryRun) tx.emit(replayStarted, factOf(inserted, context.principal.id), { partitionKey: toId('rpl', id) })
    return inserted
  })
}

/** @throws conflict for a broadcast: its members have places of their own, and `seek` moves them all. */
function requireGroup({ config, name }: SubscriptionRow): void {
  if (config.mode === 'group') return
  throw commonProblems.conflict.create(`"${name}" is a broadcast: its members are moved by seek, not replayed to`)
}

/** @throws position-trimmed when events at or after `from` are gone */
async function placesOf(
  topics: readonly Topic[],
  { from, to }: Pick<Input, 'from' | 'to'>,
  { bus, reader }: ReplayServiceOptions,
): Promise<store.ReplayPlace[]> {
  const states = (await Promise.all(topics.map((topic) => reader.heads(topic)))).flat()
  return Promise.all(
    states.map(async (state) => {
      const { topic, part } = state
      const begin = from === undefined ? beforeOldest(state) : await bus.positionAt(topic, part, new Date(from))
      const end = to === undefined ? state.position : (await bus.positionAt(topic, part, new Date(to))).position
      if (from !== undefined) await requireThere(state, begin.position, from, bus)
      return { topic, part, segment: begin.segment, position: begin.position, end }
    }),
  )
}

const beforeOldest = ({ oldestPosition }: PartitionState) => ({ segment: 0, position: oldestPosition - 1 })

/** The oldest event that is there is younger than `from`, and older ones are gone: some of the stretch may be among them. */
async function requireThere(
  { topic, part, oldestPosition }: PartitionState,
  position: number,
  from: string,
  bus: EventsPorts['bus'],
): Promise<void> {
  if (oldestPosition <= 1 || position >= oldestPosition) return
  const [oldest] = await bus.read({ topic, part, after: { segment: 0, position: oldestPosition - 1 }, limit: 1 })
  if (oldest !== undefined && oldest.recordedAt.getTime() <= Date.parse(from)) return
  throw positionTrimmed.create(
    `the oldest event of "${topic}", partition ${part}, is at position ${oldestPosition}${oldest === undefined ? '' : `, of ${oldest.recordedAt.toISOString()}`}`,
    { oldestPosition },
  )
}

async function countWanted(places: readonly store.ReplayPlace[], wanted: Wanted, reader: LogReader): Promise<number> {
  let count = 0
  for (let place of places) {
    while (place.position < place.end) {
      const read = await readWanted(reader, place, { wanted, until: place.end, limit: COUNT_EVENTS })
      count += read.records.length
      place = read.place
    }
  }
  return count
}

async function cancel(
  context: Context,
  replayId: string,
  { database, restarted }: ReplayServiceOptions,
): Promise<store.ReplayRow> {
  const id = uuidOf('rpl', replayId)
  const current = required(await database.transaction(context, (tx) => store.findReplay(tx, id)), replayId)
  let ended: store.ReplayRow | undefined
  const change = () =>
    database.transaction(context, async (tx) => {
      if ((await store.endReplay(tx, id, 'cancelled')) === undefined)
        throw commonProblems.conflict.create(`${replayId} runs no longer`)
      ended = (await store.takeBack(tx, id)) as store.ReplayRow
      tx.emit(replayCancelled, factOf(ended, context.principal.id), { partitionKey: replayId })
    })
  if (current.state !== 'running') throw commonProblems.conflict.create(`${replayId} is ${current.state}`)
  await (current.grp.startsWith('sub:') ? restarted(current.grp.slice(4), change) : change())
  return ended as unknown as store.ReplayRow
}

function required(row: store.ReplayRow | undefined, replayId: string): store.ReplayRow {
  if (row === undefined) throw commonProblems.notFound.create(`no replay ${replayId}`)
  return row
}

export const factOf = (row: store.ReplayRow, byId: string) => ({
  replayId: toId('rpl', row.id),
  target: wireGroup(row.grp),
  matched: row.matched,
  delivered: row.matched - row.unfinished,
  byId,
  ...(row.filter.note === undefined ? {} : { note: row.filter.note }),
})

const toReplay = (row: store.ReplayRow): z.output<typeof replaySchema> => ({
  id: toId('rpl', row.id),
  target: wireGroup(row.grp),
  filter: row.filter as z.output<typeof replaySchema>['filter'],
  state: row.state,
  matched: row.matched,
  dryRun: row.dry_run,
  delivered: row.dry_run ? 0 : row.matched - row.unfinished,
  createdById: row.created_by,
  createdAt: row.created_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
})
