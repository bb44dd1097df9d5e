import { commonProblems } from '@soma/kernel'
import type { ErasedSubject } from '../ports.ts'
import { groupOf, type SubscriptionRow, subscriptionOf } from '../subscriptions/config.ts'
import { findSubscription, touchDispatched } from '../subscriptions/store.ts'
import type { Fence } from '../writer/requests.ts'
import type { Writer } from '../writer/writer.ts'
import { assignReady } from './assigning.ts'
import { moveCursors } from './cursor.ts'
import { dismiss, type Dismissed } from './dismissing.ts'
import { bury } from './failing.ts'
import { tellGaps } from './gaps.ts'
import { type Group, type GroupDependencies, nowMs } from './group.ts'
import { hearChanges } from './hearing.ts'
import { ELSEWHERE, serveRemote } from './hosting.ts'
import { configOf, deliveryRows, loadGroup, restoreGroup } from './load.ts'
import type { AttemptsEnd, Nodes, Notice } from './nodes.ts'
import { fill, noticeAppended } from './reading.ts'
import { createPresence } from './presence.ts'
import { hasEpochs, type LeasedRow, leasedTo } from './store.ts'
import { noteDependencyFailure, noteEnd } from './suspension.ts'
import { createSync } from './syncing.ts'
import { keepUp } from './upkeep.ts'

const MOVED = 'the place of this subscription was moved: connect again'
/** Which process dispatches a subscription is asked again after this time. */
const KNOWN_MS = 1000

/** A subscription that another process dispatches. */
export interface Elsewhere {
  /** Of the dispatcher. */
  readonly id: string
  readonly subscription: SubscriptionRow
  /** That process. */
  readonly owner: string
  /** By `performance.now()`: its lease ends then unless it renews. */
  readonly lapsesAtMs: number
}

export type Found = { readonly group: Group } | { readonly at: Elsewhere }

export interface Groups {
  /** The dispatcher of a subscription, or of a member's place in a broadcast (`dispatchIdOf`), made from its rows when no process has it. Undefined = no such subscription or place. */
  find(dispatchId: string): Promise<Found | undefined>
  /** Dispatcher functions over rows of deliveries, for the process that does not dispatch: nothing is read or assigned, and what it writes holds as long as the leases do. */
  detached(at: Elsewhere, deliveryIds: readonly string[]): Promise<Group>
  loaded(): readonly Group[]
  /** What is leased to these members. */
  leasedTo(at: Elsewhere, memberIds: readonly string[]): Promise<readonly LeasedRow[]>
  /** Rows of deliveries were written without the dispatcher: it looks at them, wherever it is. */
  rowsChanged(dispatchId: string, deliveryIds: readonly string[], attempts?: AttemptsEnd): Promise<void>
  /** Reads the subscription again. */
  changed(subscriptionId: string): Promise<void>
  removed(subscriptionId: string): Promise<void>
  /** Nothing of the subject is kept in memory. */
  erased(subject: ErasedSubject): Promise<void>
  /** Carries a change out while nobody of this process dispatches the subscription; its members connect again. */
  restarted(subscriptionId: string, change: () => Promise<void>): Promise<void>
  /** What other processes tell the dispatcher. */
  receive(notice: Notice): Promise<void>
  /** Ends all dispatchers: streams end, cursors are written, leases stay as they are. */
  close(): Promise<void>
}

export interface GroupsOptions extends GroupDependencies {
  readonly nodes: Nodes
  /** This process dispatches the subscription from now on. */
  readonly owned: (subscriptionId: string) => void
}

export function createGroups(options: GroupsOptions): Groups {
  const { busTransaction, nodes } = options
  const loading = new Map<string, Promise<Found | undefined>>()
  const groups = new Map<string, Group>()
  const ending = new Map<string, Promise<void>>()
  const elsewhere = new Map<string, { readonly at: Elsewhere; readonly untilMs: number }>()
  const presence = createPresence({ busTransaction, node: nodes.id })
  const rowsOf = (group: Group, ids: readonly string[]) =>
    busTransaction((session) => deliveryRows(session, group.config.id, ids))
  /** What this process has in memory is no longer true. */
  const giveUp = (id: string, reason = ELSEWHERE) => {
    const group = groups.get(id)
    if (group === undefined) return
    groups.delete(id)
    closeGroup(group)
    endStreams(group, reason)
    releaseGuests(group, nodes)
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
    await busTransaction((session) => touchDispatched(session, [group.config.id]))
    await presence.release([group.config.id])
    releaseGuests(group, nodes)
  }
  const load = async (id: string): Promise<Found | undefined> => {
    await ending.get(id)
    await nodes.start()
    const subscription = await busTransaction((session) => findSubscription(session, subscriptionOf(id)))
    if (subscription === undefined) return undefined
    const claim = await presence.claim(id)
    if (!claim.isOwn)
      return remember({ id, subscription, owner: claim.owner, lapsesAtMs: performance.now() + claim.lapseMs })
    const loaded = await busTransaction((session) => loadGroup(session, id))
    if (loaded === undefined) return undefined
    const isCurrent = () => groups.get(id) === group
    const writer = fencedWriter(options.writer, claim.fence, () => isCurrent() && giveUp(id))
    const group = restoreGroup(loaded, { ...options, writer: nodes.isShared ? writer : options.writer })
    group.sync = createSync(group, rowsOf)
    groups.set(id, group)
    group.outdated = () => isCurrent() && giveUp(id, MOVED)
    try {
      await startReading(group)
    } catch (error) {
      // It would be found as the dispatcher and hand out nothing.
      giveUp(id)
      await presence.release([id])
      throw error
    }
    options.owned(id)
    return { group }
  }
  const remember = (at: Elsewhere): Found => {
    if (!nodes.isShared)
      throw commonProblems.unavailable.create('another process dispatches this subscription', { retryAfterMs: 1000 })
    elsewhere.set(at.id, { at, untilMs: Math.min(performance.now() + KNOWN_MS, at.lapsesAtMs) })
    return { at }
  }
  const find = async (id: string): Promise<Found | undefined> => {
    const known = groups.get(id)
    if (known !== undefined) {
      known.usedAtMs = nowMs(known)
      return { group: known }
    }
    const found = elsewhere.get(id)
    if (found !== undefined && performance.now() < found.untilMs) return found
    elsewhere.delete(id)
    const pending = loading.get(id) ?? load(id).finally(() => loading.delete(id))
    loading.set(id, pending)
    return pending
  }
  /** Of the subscription: one, or those of the members of a broadcast. */
  const dispatchersOf = (id: string): string[] => {
    for (const key of elsewhere.keys()) if (subscriptionOf(key) === id) elsewhere.delete(key)
    return [...groups.keys()].filter((key) => subscriptionOf(key) === id)
  }
  const changedOne = async (id: string) => {
    const group = groups.get(id)
    if (group === undefined) return
    const [row, isInPlace] = await options.busTransaction(async (session) => [
      await findSubscription(session, subscriptionOf(id)),
      await hasEpochs(session, group.config.group, group.partitions),
    ])
    if (row === undefined || groups.get(id) !== group) return
    if (!isInPlace) return group.outdated()
    const before = group.config
    group.config = configOf(id, row)
    if (before.topics.join() !== row.config.topics.join() || before.ordered !== row.config.ordered) await reload(group)
    else group.assign()
  }
  const changed = async (id: string) => {
    await Promise.all(dispatchersOf(id).map(changedOne))
  }
  const removed = async (id: string) => {
    await Promise.all(dispatchersOf(id).map(removedOne))
  }
  const removedOne = async (id: string) => {
    const group = groups.get(id)
    if (group === undefined) return
    groups.delete(id)
    closeGroup(group)
    endStreams(group, 'the subscription was deleted')
    for (const { host, sink } of group.members.values())
      if (host !== undefined) sink?.end('the subscription was deleted')
    await presence.release([id])
  }
  const gapped = async (id: string) => {
    await Promise.all(dispatchersOf(id).map((each) => tellGaps(groups.get(each) as Group)))
    await changed(id)
  }
  const dismissed = (who: Dismissed) => {
    for (const group of groups.values()) dismiss(group, who)
  }
  const stopHearing = hearChanges(options, { changed, removed, gapped, dismissed })
  const endUpkeep = keepUp({ groups, presence, giveUp, putAway, options })
  return {
    find,
    loaded: () => [...groups.values()],
    changed,
    removed,
    erased: async ({ tenantId, userId }) => {
      const held = [...groups.values()].filter(({ config }) => config.tenantId === tenantId)
      if (userId === '') await Promise.all(held.map(({ config }) => removed(config.id)))
      else for (const group of held) group.outdated()
    },
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
    detached: async ({ id, subscription }, deliveryIds) => {
      const deliveries = await busTransaction((session) => deliveryRows(session, id, deliveryIds))
      const group = restoreGroup(
        { id, subscription, deliveries, cursors: [], settled: [] },
        { ...options, leases: new Map() },
      )
      group.isClosed = true
      return group
    },
    leasedTo: ({ id }, memberIds) => busTransaction((session) => leasedTo(session, groupOf(id), memberIds)),
    rowsChanged: async (id, ids, attempts) => {
      const group = groups.get(id)
      if (group !== undefined) return takeRows(group, ids, attempts)
      const owner = nodes.isShared ? await presence.ownerOf(id) : undefined
      if (owner !== undefined && owner !== nodes.id)
        nodes.tell(owner, { op: 'rows', subscriptionId: id, ids, ...(attempts && { attempts }) })
    },
    receive: async (notice) => {
      const { subscriptionId: id } = notice
      if (notice.op === 'released') elsewhere.delete(id)
      // Whoever asks believes that the dispatcher is here, so it is made, or they look again where it is.
      const found = 'from' in notice ? await find(id) : await loading.get(id)
      const group = found !== undefined && 'group' in found ? found.group : groups.get(id)
      if (group !== undefined && notice.op === 'rows') takeRows(group, notice.ids, notice.attempts)
      else if (group !== undefined) serveRemote(group, notice, nodes)
      else if ('from' in notice) nodes.tell(notice.from, { op: 'released', subscriptionId: id })
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
      for (const group of all) releaseGuests(group, nodes)
      await options.writer.idle()
    },
  }

  /** The change comes after all that the dispatcher is writing. */
  async function restart(group: Group, change: () => Promise<void>): Promise<void> {
    try {
      await options.writer.write(group.config.tenantId, {})
      await change()
    } finally {
      endStreams(group, MOVED)
      await presence.release([group.config.id])
      releaseGuests(group, nodes)
    }
  }

  /** Other topics or another order need the memory made anew; members reconnect and get their leased deliveries again. */
  async function reload(group: Group): Promise<void> {
    await putAway(group)
    endStreams(group, 'the subscription was changed')
  }
}

/** Writes under the lease of the dispatcher. What a member settles holds by the member's own lease. */
function fencedWriter(writer: Writer, fence: Fence, lost: () => unknown): Writer {
  return {
    ...writer,
    write: async (tenantId, request) => {
      const isOfMember = request.ack !== undefined || Object.keys(request).length === 0
      const result = await writer.write(tenantId, isOfMember ? request : { ...request, fence })
      if (result.status !== 'replaced') return result
      lost()
      throw commonProblems.unavailable.create('another process dispatches this subscription', { retryAfterMs: 1000 })
    },
  }
}

async function startReading(group: Group): Promise<void> {
  group.fill = () => fill(group)
  group.assign = () => assignReady(group)
  group.refuse = (held, problem) => bury(group, held, problem)
  group.dependencyFailed = (held) => noteDependencyFailure(group, held)
  group.attemptEnded = () => noteEnd(group)
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

/** What was done to deliveries elsewhere. */
function takeRows(group: Group, ids: readonly string[], attempts: AttemptsEnd | undefined): void {
  if (attempts === 'ended') noteEnd(group)
  for (const id of attempts === 'failed' ? ids : []) {
    const held = group.leased.get(id)
    if (held !== undefined) noteDependencyFailure(group, held)
  }
  group.sync(ids)
}

function closeGroup(group: Group): void {
  group.isClosed = true
  group.stopListening()
  for (const id of group.leased.keys()) group.dependencies.leases.delete(id)
  for (const pull of group.pulls) pull.resolve([])
  group.pulls = []
}

function endStreams(group: Group, reason: string): void {
  for (const { sink, host } of group.members.values()) if (host === undefined) sink?.end(reason)
}

/** Whoever has members of it looks for the next dispatcher. */
function releaseGuests({ members, config }: Group, nodes: Nodes): void {
  const hosts = new Set([...members.values()].flatMap(({ host }) => host?.node ?? []))
  for (const node of hosts) nodes.tell(node, { op: 'released', subscriptionId: config.id })
}
