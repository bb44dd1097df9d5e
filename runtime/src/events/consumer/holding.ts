import type { Database } from '@soma/kernel'
import { type Held, type HeldPartition, holdPartitions, leaveGroup, releasePartitions } from '../cursors/store.ts'
import { type WaitingKey, waitingKeys } from '../deliveries/store.ts'
import { type Group, placeOf } from './group.ts'
import { createPartitionRun, type PartitionRun } from './partition-run.ts'

/** NOTIFY channel: a member left, so others claim at once. Payload: the group. */
const GROUP_CHANNEL = 'soma_group'
/** Renewals in the life of a lease: 9 s is renewed every 2.7 s. */
const RENEW_AT = 0.3
/** This clock gives up before the database's does. */
const OWN_SHARE_OF_LEASE = 0.95

export interface HoldingOptions {
  readonly group: Group
  readonly database: Database
  readonly partitions: number
  /** A claimed partition begins, with the keys that wait in it. */
  readonly begin: (run: PartitionRun, waiting: readonly WaitingKey[]) => void
  readonly commit: () => Promise<void>
}

/** Claims partitions, renews them and gives up what another member shall have. */
export interface Holding {
  /** Claims and renews now, then by itself. */
  start(): Promise<void>
  isHeld(run: PartitionRun): boolean
  /** Renews no more; waits for a renewal in hand. */
  stop(): Promise<void>
  /** Frees partitions for others, who are told. */
  release(runs: readonly PartitionRun[]): Promise<void>
  leave(): Promise<void>
}

export function createHolding({ group, database, partitions, begin, commit }: HoldingOptions): Holding {
  const { settings, owner, name } = group
  let heldUntil = 0
  let timer: NodeJS.Timeout | undefined
  let inHand: Promise<void> | undefined
  let endListening: (() => Promise<void>) | undefined

  const hold = (): Promise<void> => {
    inHand ??= holdOnce().finally(() => {
      inHand = undefined
    })
    return inHand
  }
  const again = () => {
    if (!group.isStopped()) group.background('partitions could not be held; the next renewal tries again', hold())
  }
  const holdOnce = async () => {
    let nextLapseMs = Number.POSITIVE_INFINITY
    try {
      nextLapseMs = await renewAndClaim()
    } finally {
      clearTimeout(timer)
      if (!group.isStopped()) timer = setTimeout(again, Math.min(settings.leaseMs * RENEW_AT, nextLapseMs + 10)).unref()
    }
  }
  const renewAndClaim = async (): Promise<number> => {
    const sentAt = performance.now()
    if (sentAt > heldUntil) for (const run of [...group.runs.values()]) group.lose(run)
    const held = [...group.runs.values()].map((run) => run.held)
    const { answer, waiting } = await group.asBus(async (session) => {
      const { topics } = group.handlers
      const holding = { group: name, topics, partitions, owner, leaseMs: settings.leaseMs, held }
      const given = await holdPartitions(session, holding)
      return { answer: given, waiting: await waitingKeys(session, name, given.claimed) }
    })
    // From before the request, for the same reason.
    heldUntil = sentAt + settings.leaseMs * OWN_SHARE_OF_LEASE
    loseMissing(group, held, answer)
    for (const each of answer.claimed) beginRun(each, waiting)
    const kept = [...group.runs.values()].filter((run) => !run.draining)
    if (kept.length > answer.share)
      group.background('partitions could not be handed over', handOver(kept.slice(answer.share)))
    return answer.nextLapseMs
  }
  const beginRun = (held: HeldPartition, waiting: readonly WaitingKey[]) => {
    const run = createPartitionRun(held)
    group.runs.set(placeOf(held), run)
    begin(
      run,
      waiting.filter((each) => placeOf(each) === placeOf(held)),
    )
  }
  const handOver = async (given: readonly PartitionRun[]) => {
    for (const run of given) run.draining = true
    while (given.some(isBusy) && !group.isStopped()) await new Promise((resolve) => setTimeout(resolve, 5))
    try {
      await commit()
    } finally {
      // What was not committed repeats at the next owner. Kept, they would be renewed here for ever, and nothing of them would be read.
      await release(given)
    }
  }
  const release = async (given: readonly PartitionRun[]) => {
    const places = given.filter((run) => !run.lost).map((run) => run.held)
    for (const run of given) group.lose(run)
    await group.asBus((session) => releasePartitions(session, { group: name, owner }, places))
    if (database.engine === 'postgres') await database.notify(GROUP_CHANNEL, name)
  }
  return {
    start: async () => {
      if (database.engine === 'postgres')
        endListening = await database.listen(GROUP_CHANNEL, (of) => (of === name ? again() : undefined))
      await hold()
    },
    isHeld: (run) => !run.lost && performance.now() < heldUntil,
    stop: async () => {
      clearTimeout(timer)
      await endListening?.()
      await inHand?.catch(() => undefined)
      clearTimeout(timer)
    },
    release,
    leave: () => group.asBus((session) => leaveGroup(session, name, owner)),
  }
}

const isBusy = (run: PartitionRun): boolean => [...run.lanes.values()].some((lane) => lane.isActive)

/** What was held and was neither renewed nor claimed anew belongs to another now. */
function loseMissing(group: Group, held: readonly HeldPartition[], answer: Held): void {
  const renewed = new Set(answer.renewed.map(placeOf))
  for (const each of held) {
    const run = group.runs.get(placeOf(each))
    if (run !== undefined && run.held === each && !renewed.has(placeOf(each))) group.lose(run)
  }
}
