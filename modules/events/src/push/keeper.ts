import type { LogReader } from '@soma/kernel'
import { subscriptionCreated, subscriptionResumed } from '../../contract/facts.ts'
import type { Group } from '../dispatch/group.ts'
import type { Groups } from '../dispatch/groups.ts'
import type { EventsPorts } from '../ports.ts'
import { turnSubscription } from '../subscriptions/turning.ts'
import { createOwners } from './owners.ts'
import { type Pusher, type PusherOptions, startPusher } from './pusher.ts'
import { listPushed } from './store.ts'

/** A pushed subscription whose process died, and whose lease this one did not see, is found this late at most. */
const LOOK_MS = 2000
/** After the lease of a dispatcher has ended it may be claimed. */
const AFTER_LAPSE_MS = 10
/** Claimed in one look: several processes share what one of them left. */
const LOOK_LIMIT = 100
/** What is in hand when the process stops may still be answered. */
const DRAIN_MS = 3000

export interface KeeperOptions
  extends Omit<PusherOptions, 'suspend' | 'owners'>,
    Pick<EventsPorts, 'busTransaction' | 'recorder' | 'holds'> {
  readonly groups: Groups
  readonly reader: LogReader
}

export interface Keeper {
  /** Ends all pushing: what is in hand may still be answered, then is let go of. */
  close(): Promise<void>
}

/** Sees to it that one process dispatches each pushed subscription, and that the server is a member of what is dispatched here. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { groups, reader, log, busTransaction } = options
  const pushers = new Map<Group, Pusher>()
  const suspend = createSuspend(options)
  const owners = createOwners(options)
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let isWanted = false
  let isClosed = false

  const join = (group: Group) => {
    if (group.config.push === undefined || pushers.has(group)) return
    const pusher = startPusher(group, { ...options, suspend, owners })
    pushers.set(group, pusher)
    void pusher.ended.then(() => {
      pushers.delete(group)
      // Else it failed to begin: the next look is soon enough.
      if (group.isClosed) look()
    })
  }
  /** Answers when to look again. */
  const lookOnce = async (): Promise<number> => {
    const own = groups.loaded().flatMap(({ config: { id, push } }) => (push === undefined ? [] : [id]))
    const found = await busTransaction((session) => listPushed(session, { own, limit: LOOK_LIMIT }))
    for (const { id } of found.filter(({ lapse_ms }) => lapse_ms <= 0)) if (!isClosed) await groups.find(id)
    if (!isClosed) for (const group of groups.loaded()) join(group)
    const nextLapse = found.find(({ lapse_ms }) => lapse_ms > 0)?.lapse_ms ?? LOOK_MS
    return Math.min(LOOK_MS, nextLapse + AFTER_LAPSE_MS)
  }
  const look = () => {
    if (isClosed) return
    isWanted = true
    looking ??= lookWhileWanted().finally(() => {
      looking = undefined
    })
  }
  const lookWhileWanted = async () => {
    clearTimeout(timer)
    let nextMs = LOOK_MS
    while (isWanted && !isClosed) {
      isWanted = false
      nextMs = await lookOnce().catch((error: unknown) => {
        log.warn('pushed subscriptions cannot be looked up', { error })
        return LOOK_MS
      })
    }
    if (!isClosed) timer = setTimeout(look, nextMs).unref()
  }
  const stopHearing = reader.onAppend('system-events', (records) => {
    if (records.some(({ type }) => type === subscriptionCreated.type || type === subscriptionResumed.type)) look()
  })
  look()
  return {
    close: async () => {
      isClosed = true
      stopHearing()
      clearTimeout(timer)
      await looking
      const all = [...pushers.values()]
      for (const { stop } of all) stop()
      const letGo = setTimeout(() => {
        for (const { abort } of all) abort()
      }, DRAIN_MS)
      await Promise.all(all.map(({ ended }) => ended))
      clearTimeout(letGo)
      owners.close()
    },
  }
}

/** The dispatcher of this process knows when it resolves. */
function createSuspend({ groups, ...options }: KeeperOptions): PusherOptions['suspend'] {
  return async (subscriptionId, reason) => {
    await turnSubscription(subscriptionId, { to: 'suspended', reason }, options)
    await groups.changed(subscriptionId)
  }
}
