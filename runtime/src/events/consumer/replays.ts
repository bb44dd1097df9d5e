import type { Database } from '@soma/kernel'
import { replayedKeys } from '../deliveries/store.ts'
import { type Group, placeOf } from './group.ts'
import { type Lane, laneOf } from './partition-run.ts'

/** NOTIFY channel: dead letters of a group have rows again. Payload: the group. */
const REPLAY_CHANNEL = 'soma_replay'
/** A notice may be lost with its connection. A person replays, so this need not be quick, and it costs a statement a group. */
const LOOK_EVERY_MS = 30_000

/** Tells the owners of a module group, in this and other processes, that dead letters of it are to be delivered again. Call after the commit. */
export const announceReplays = (database: Database, group: string): Promise<void> =>
  database.notify(REPLAY_CHANNEL, group)

/** Hands replayed dead letters of the held partitions to their lanes. A partition that is claimed later finds them among its waiting keys. */
export interface Replays {
  start(): Promise<void>
  /** Looks no more; waits for a look in hand. */
  stop(): Promise<void>
}

export function createReplays(group: Group, database: Database, revive: (lane: Lane) => void): Replays {
  let isWanted = false
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let endListening: (() => Promise<void>) | undefined

  const look = () => {
    isWanted = true
    if (group.isStopped() || looking !== undefined) return
    looking = lookUntilQuiet().finally(() => {
      looking = undefined
    })
    group.background('replays could not be read; they are looked for again', looking)
  }
  const lookUntilQuiet = async () => {
    while (isWanted && !group.isStopped()) {
      isWanted = false
      await lookOnce()
    }
  }
  const lookOnce = async () => {
    const places = [...group.runs.values()].map((run) => run.held)
    const keys = await group.asBus((session) => replayedKeys(session, group.name, places))
    for (const found of keys) {
      const run = group.runs.get(placeOf(found))
      if (run !== undefined) revive(laneOf(run, found.tenant_id, found.key))
    }
  }
  return {
    start: async () => {
      endListening = await database.listen(REPLAY_CHANNEL, (of) => (of === group.name ? look() : undefined))
      timer = setInterval(look, LOOK_EVERY_MS).unref()
    },
    stop: async () => {
      clearInterval(timer)
      await endListening?.()
      await looking?.catch(() => undefined)
    },
  }
}
