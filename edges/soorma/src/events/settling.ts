import type { eventsContract } from '@soma/events/contract'
import type { Client, Context, Logger } from '@soma/kernel'
import { LEASE_MS } from './groups.ts'

/** A delivery that is leased to one connection. */
export interface Held {
  readonly deliveryId: string
  readonly attempt: number
  readonly subscriptionId: string
  readonly memberId: string
  /** When the operating system took its frame, by the steady clock; undefined before. */
  takenAtMs?: number
}

export interface Settling {
  hold(held: Held): void
  /** Its frame was taken: the delivery counts when the connection has lived `confirmMs` longer. */
  taken(held: Held): void
  /** The client has it already. */
  known(held: Held): void
  lost(deliveryId: string): void
  /** Acknowledges what counts, and hands the rest back to the group unhandled. */
  end(): Promise<void>
}

export interface SettlingOptions {
  readonly events: Client<typeof eventsContract>
  readonly context: Context
  /** 0: a delivery counts as soon as its frame was taken. */
  readonly confirmMs: number
  readonly log: Logger
}

const TICK_MS = 250
/** A third of the lease: two renewals may fail. */
const RENEW_MS = LEASE_MS / 3
/** As many as a settle has entries. */
const BATCH = 500

/** The client of this dialect cannot acknowledge; that it went on reading does it for it (SOO-R10). */
export function createSettling(options: SettlingOptions): Settling {
  const { confirmMs, log } = options
  const open = new Map<string, Held>()
  const steadyMs = () => performance.now()
  const isDone = ({ takenAtMs }: Held) => takenAtMs !== undefined && takenAtMs + confirmMs <= steadyMs()
  let renewAtMs = steadyMs() + RENEW_MS
  let running: Promise<void> = Promise.resolve()

  const acknowledge = async () => {
    const done = [...open.values()].filter(isDone)
    await settle(options, done, (entries) => ({ acks: entries.map(entryOf) }))
    for (const { deliveryId } of done) open.delete(deliveryId)
  }
  const renew = async () => {
    if (renewAtMs > steadyMs()) return
    renewAtMs = steadyMs() + RENEW_MS
    await settle(options, [...open.values()], (entries) => ({
      extends: entries.map((held) => ({ ...entryOf(held), leaseMs: LEASE_MS })),
    }))
  }
  /** One after the other. What fails is tried at the next tick; a lease that lapses meanwhile is another delivery. */
  const queue = (work: () => Promise<void>): Promise<void> => {
    running = running.then(work).catch((error: unknown) => log.warn('deliveries cannot be settled now', { error }))
    return running
  }
  let isBusy = false
  const tick = async () => {
    if (isBusy) return
    isBusy = true
    await queue(async () => {
      await acknowledge()
      await renew()
    })
    isBusy = false
  }
  const timer = setInterval(() => void tick(), TICK_MS)
  timer.unref()

  return {
    hold: (held) => open.set(held.deliveryId, held),
    taken: (held) => {
      held.takenAtMs = steadyMs()
    },
    known: (held) => {
      held.takenAtMs = -confirmMs
    },
    lost: (deliveryId) => open.delete(deliveryId),
    end: () => {
      clearInterval(timer)
      return queue(async () => {
        await acknowledge()
        await settle(options, [...open.values()], (entries) => ({
          nacks: entries.map((held) => ({ ...entryOf(held), release: true })),
          credits: 0,
        }))
        open.clear()
      })
    },
  }
}

const entryOf = ({ deliveryId, attempt }: Held) => ({ deliveryId, attempt })

type Entries = Omit<Parameters<Client<typeof eventsContract>['deliveries']['settle']>[1]['body'], 'memberId'>

async function settle(
  { events, context }: SettlingOptions,
  entries: readonly Held[],
  toBody: (entries: readonly Held[]) => Entries,
): Promise<void> {
  for (const memberId of new Set(entries.map((held) => held.memberId))) {
    const own = entries.filter((held) => held.memberId === memberId)
    for (let start = 0; start < own.length; start += BATCH) {
      const batch = own.slice(start, start + BATCH)
      const { subscriptionId } = batch[0] as Held
      await events.deliveries.settle(context, { params: { subscriptionId }, body: { memberId, ...toBody(batch) } })
    }
  }
}
