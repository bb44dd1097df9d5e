import type { EventsPorts } from '../ports.ts'
import { commonProblems, uuidOf } from '@soma/kernel'
import {
  subscriptionChanged,
  subscriptionDeleted,
  subscriptionResumed,
  subscriptionSuspended,
} from '../../contract/facts.ts'
import { openOnce } from '../log/event-filter.ts'
import { findSubscription, touchSubscription } from '../subscriptions/store.ts'
import { assignReady } from './assigning.ts'
import { moveCursors } from './cursor.ts'
import { type Group, type GroupDependencies, nowMs } from './group.ts'
import { configOf, loadGroup, restoreGroup } from './load.ts'
import { fill, noticeAppended } from './reading.ts'
import { hasEpochs } from './store.ts'
import { createPresence, type Presence, RENEW_MS } from './presence.ts'
import { tick } from './ticking.ts'

/** Retries and ended leases are noticed this late at most. */
const TICK_MS = 50
/** A dispatcher nobody uses is put away after this time; its rows and cursors are in the database. */
const IDLE_MS = 15_000
const MOVED = 'the place of this subscription was moved: connect again'
const CHANGES: ReadonlySet<string> = new Set(
  [subscriptionChanged, subscriptionSuspended, subscriptionResumed, subscriptionDeleted].map(({ type }) => type),
)

export interface Groups {
  /** The dispatcher of a subscription, made from its rows when it is not there. Undefined = no such subscription. */
  get(subscriptionId: string): Promise<Group | undefined>
  loaded(): readonly Group[]
  /** Reads the subscription again. */
  changed(subscriptionId: string): Promise<void>
  removed(subscriptionId: string): Promise<void>
  /** Carries a change out while nobody of this process dispatches the subscription; its members connect again. */
  restarted(subscriptionId: string, change: () => Promise<void>): Promise<void>
  /** Ends all dispatchers: streams end, cursors are written, leases stay as they are. */
  close(): Promise<void>
}

type GroupsOptions = Omit<GroupDependencies, 'leases'> &
  Pick<EventsPorts, 'busTransaction'> & { leases: GroupDependencies['leases'] }

export function createGroups(options: GroupsOptions): Groups {
  const loading = new Map<string, Promise<Group | undefined>>()
  const groups = new Map<string, Group>()
  const ending = new Map<string, Promise<void>>()
  const presence = createPresence(options)
  /** What this process has in memory is no longer true. */
  const giveUp = (id: string, reason = 'another process dispatches this subscription now: connect again') => {
    const group = groups.get(id)
    if (group === undefined) return
    groups.delete(id)
    closeGroup(group)
    endStreams(group, reason)
  }

  /** Its lease is given back at the end: who wants the subscription meanwhile waits, else the release would free the new claim. */
  const putAway = (group: Group): Promise<void> => {
    const { id } = group.config
    const done = endInOrder(group).finally(() => ending.delete(id))
    ending.set(
      id,
      done.catch(() => undefined),
    )
    return done
  }
  const endInOrder = async (group: Group) => {
    groups.delete(group.config.id)
    loading.delete(group.config.id)
    closeGroup(group)
    await moveCursors(group, true)
    await options.busTransaction((session) => touchSubscription(session, group.config.id))
    await presence.release([group.config.id])
  }
  const load = async (id: string): Promise<Group | undefined> => {
    await ending.get(id)
    const group = await claimGroup(id, presence, options)
    if (group === undefined) return undefined
    groups.set(id, group)
    group.outdated = () => groups.get(id) === group && giveUp(id, MOVED)
    await startReading(group)
    return group
  }
  const changed = async (id: string) => {
    const group = groups.get(id)
    if (group === undefined) return
    const [row, isInPlace] = await options.busTransaction(async (session) => [
      await findSubscription(session, id),
      await hasEpochs(session, group.config.group, group.partitions),
    ])
    if (row === undefined || groups.get(id) !== group) return
    if (!isInPlace) return group.outdated()
    const before = group.config
    group.config = configOf(row)
    if (before.topics.join() !== row.config.topics.join() || before.ordered !== row.config.ordered) await reload(group)
    else group.assign()
  }
  const removed = async (id: string) => {
    const group = groups.get(id)
    if (group === undefined) return
    groups.delete(id)
    closeGroup(group)
    endStreams(group, 'the subscription was deleted')
    await presence.release([id])
  }
  const stopHearing = hearFacts(options, { changed, removed })
  const endUpkeep = keepUp({ groups, presence, giveUp, putAway, log: options.log })
  return {
    get: async (id) => {
      const known = groups.get(id)
      if (known !== undefined) {
        known.usedAtMs = nowMs(known)
        return known
      }
      const pending = loading.get(id) ?? load(id).finally(() => loading.delete(id))
      loading.set(id, pending)
      return pending
    },
    loaded: () => [...groups.values()],
    changed,
    removed,
    restarted: (id, change) => {
      const group = groups.get(id)
      if (group === undefined) return change()
      groups.delete(id)
      closeGroup(group)
      const done = restart(group, change).finally(() => ending.delete(id))
      ending.set(
        id,
        done.catch(() => undefined),
      )
      return done
    },
    close: async () => {
      stopHearing()
      endUpkeep()
      const all = [...groups.values()]
      groups.clear()
      for (const group of all) {
        closeGroup(group)
        endStreams(group, 'the server stops')
      }
      await Promise.allSettled(all.map((group) => moveCursors(group, true)))
      await Promise.allSettled([presence.release(all.map(({ config }) => config.id))])
      await options.writer.idle()
    },
  }

  /** The change comes after all that the dispatcher is writing. */
  async function restart(group: Group, change: () => Promise<void>): Promise<void> {
    try {
      await options.writer.write({})
      await change()
    } finally {
      endStreams(group, MOVED)
      await presence.release([group.config.id])
    }
  }

  /** Other topics or another order need the memory made anew; members reconnect and get their leased deliveries again. */
  async function reload(group: Group): Promise<void> {
    await putAway(group)
    endStreams(group, 'the subscription was changed')
  }
}

/** Every process hears of changes by its own reader of the log, whichever of them carried them out. */
function hearFacts(
  { reader, log }: GroupsOptions,
  { changed, removed }: Pick<Groups, 'changed' | 'removed'>,
): () => void {
  return reader.onAppend('system-events', (records) => {
    for (const record of records) {
      if (!CHANGES.has(record.type)) continue
      const { subscriptionId } = openOnce(record).data as { subscriptionId: string }
      const id = uuidOf('sub', subscriptionId)
      const done = record.type === subscriptionDeleted.type ? removed(id) : changed(id)
      done.catch((error: unknown) => log.warn('a changed subscription cannot be read', { subscriptionId, error }))
    }
  })
}

/** @throws unavailable while another process has it */
async function claimGroup(id: string, presence: Presence, options: GroupsOptions): Promise<Group | undefined> {
  const { busTransaction } = options
  if ((await busTransaction((session) => findSubscription(session, id))) === undefined) return undefined
  if (!(await presence.claim(id)))
    throw commonProblems.unavailable.create('another process dispatches this subscription', { retryAfterMs: 1000 })
  const loaded = await busTransaction((session) => loadGroup(session, id))
  return loaded === undefined ? undefined : restoreGroup(loaded, options)
}

interface Upkeep {
  readonly groups: ReadonlyMap<string, Group>
  readonly presence: Presence
  readonly giveUp: (id: string) => void
  readonly putAway: (group: Group) => Promise<void>
  readonly log: GroupsOptions['log']
}

/** Ticks the dispatchers, puts idle ones away and renews the leases of the others. Answers a function that ends it. */
function keepUp({ groups, presence, giveUp, putAway, log }: Upkeep): () => void {
  const ticking = setInterval(() => {
    for (const group of groups.values()) {
      tick(group)
      if (isIdle(group))
        putAway(group).catch((error: unknown) => log.warn('a dispatcher cannot be put away', { error }))
    }
  }, TICK_MS).unref()
  const renewal = setInterval(() => {
    const ids = [...groups.keys()]
    if (ids.length === 0) return
    presence.renew(ids).then(
      (lost) => lost.forEach(giveUp),
      (error: unknown) => log.warn('dispatchers cannot renew their leases', { error }),
    )
  }, RENEW_MS).unref()
  return () => {
    clearInterval(ticking)
    clearInterval(renewal)
  }
}

async function startReading(group: Group): Promise<void> {
  group.fill = () => fill(group)
  group.assign = () => assignReady(group)
  const { reader } = group.dependencies
  const topics = [...new Set(group.partitions.map(({ topic }) => topic))]
  const stops = topics.map((topic) => reader.onAppend(topic, (records) => noticeAppended(group, records)))
  group.stopListening = () => {
    for (const stop of stops) stop()
  }
  for (const state of (await Promise.all(topics.map((topic) => reader.heads(topic)))).flat()) {
    const partition = group.byTopic.get(state.topic)?.[state.part]
    if (partition === undefined) continue
    partition.head = Math.max(partition.head, state.position)
    partition.position = Math.max(partition.position, state.oldestPosition - 1)
  }
  group.fill()
}

const isIdle = (group: Group): boolean =>
  group.members.size === 0 &&
  group.leased.size === 0 &&
  group.pulls.length === 0 &&
  nowMs(group) - group.usedAtMs > IDLE_MS

function closeGroup(group: Group): void {
  group.isClosed = true
  group.stopListening()
  for (const id of group.leased.keys()) group.dependencies.leases.delete(id)
  for (const pull of group.pulls) pull.resolve([])
  group.pulls = []
}

function endStreams(group: Group, reason: string): void {
  for (const member of group.members.values()) member.sink?.end(reason)
}
