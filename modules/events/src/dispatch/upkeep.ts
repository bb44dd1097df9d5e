import { touchDispatched } from '../subscriptions/store.ts'
import { type Group, type GroupDependencies, nowMs } from './group.ts'
import type { Nodes } from './nodes.ts'
import { type Presence, RENEW_MS } from './presence.ts'
import { replayedRows } from './store.ts'
import { unheard } from './syncing.ts'
import { tick } from './ticking.ts'

/** Retries and ended leases are noticed this late at most. */
const TICK_MS = 50
/** A dispatcher nobody uses is put away after this time; its rows and cursors are in the database. */
const IDLE_MS = 15_000
/** So much less than a day may a member's place be kept after a crash: when it was last seen is written as seldom. */
const TOUCH_MS = 600_000

interface Upkeep {
  readonly groups: ReadonlyMap<string, Group>
  readonly presence: Presence
  readonly giveUp: (id: string) => void
  readonly putAway: (group: Group) => Promise<void>
  readonly options: Pick<GroupDependencies, 'log' | 'busTransaction'> & { readonly nodes: Nodes }
}

/** Ticks the dispatchers, puts idle ones away and renews the leases of the others. Answers a function that ends it. */
export function keepUp({ groups, presence, giveUp, putAway, options }: Upkeep): () => void {
  const { log, nodes, busTransaction } = options
  let touchedAtMs = performance.now()
  const renew = async (ids: readonly string[]) => {
    for (const id of await presence.renew(ids)) giveUp(id)
    if (performance.now() - touchedAtMs > TOUCH_MS) {
      touchedAtMs = performance.now()
      const used = [...groups.values()].filter(({ members }) => members.size > 0).map(({ config }) => config.id)
      await busTransaction((session) => touchDispatched(session, used))
    }
    if (!nodes.isShared) return
    const held = [...groups.values()]
    const replayed = await busTransaction((session) =>
      replayedRows(
        session,
        held.map(({ config }) => config.group),
      ),
    )
    for (const group of held) {
      const ids = replayed.filter(({ grp }) => grp === group.config.group).map(({ delivery_id }) => delivery_id)
      group.sync([...unheard(group), ...ids])
    }
  }
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
    renew(ids).catch((error: unknown) => log.warn('dispatchers cannot renew their leases', { error }))
  }, RENEW_MS).unref()
  return () => {
    clearInterval(ticking)
    clearInterval(renewal)
  }
}

const isIdle = (group: Group): boolean =>
  group.members.size === 0 &&
  group.leased.size === 0 &&
  group.pulls.length === 0 &&
  nowMs(group) - group.usedAtMs > IDLE_MS
