import { isProblem, type Logger } from '@soma/kernel'
import type { AgentClients } from './agent-clients.ts'
import type { OutgoingEvent } from './handling.ts'
import { fullJitter, sleep } from './waiting.ts'

export interface DeliveryReference {
  readonly deliveryId: string
  readonly attempt: number
}

export interface SettledProblem {
  readonly code: string
  readonly detail: string
  readonly retryable?: boolean | undefined
  readonly [member: string]: unknown
}

export type Settlement =
  | { readonly kind: 'ack'; readonly emits: readonly OutgoingEvent[] }
  | { readonly kind: 'nack'; readonly problem: SettledProblem; readonly dead?: boolean }
  /** Handed back unhandled. */
  | { readonly kind: 'release' }

export type SettleAnswer =
  | { readonly outcome: 'settled' }
  | { readonly outcome: 'lost' }
  | { readonly outcome: 'refused'; readonly problem: SettledProblem }

export interface Settler {
  /** Settles, as long as it takes: while the platform is away it is tried again. */
  settle(delivery: DeliveryReference, settlement: Settlement): Promise<SettleAnswer>
  /** Extends leases; those that are gone are answered. */
  extend(deliveries: readonly DeliveryReference[], leaseMs: number): Promise<readonly string[]>
  /** Changes how many deliveries may be in hand; 0 drains. */
  setCredits(credits: number): Promise<void>
}

interface Pending {
  readonly delivery: DeliveryReference
  readonly settlement: Settlement
  readonly resolve: (answer: SettleAnswer) => void
}

/** One request carries what has gathered while the last one was under way, at most so much: emits make entries heavy. */
const MAXIMUM_ENTRIES = 50
const RETRY = { baseMs: 250, maxMs: 15_000 }

export function createSettler(options: {
  clients: AgentClients
  subscriptionId: string
  memberId: string
  log: Logger
  /** Aborts when nothing can be settled any more. */
  closed: AbortSignal
}): Settler {
  const { clients, subscriptionId, memberId, log, closed } = options
  const pending: Pending[] = []
  let pumping = false
  const call = (body: object) =>
    clients.events.deliveries.settle({ params: { subscriptionId }, body: { memberId, ...body } as never })

  const send = async (batch: readonly Pending[]): Promise<void> => {
    for (let attempt = 0; ; attempt++) {
      try {
        answerAll(batch, await call(bodyOf(batch)))
        return
      } catch (error) {
        if (!closed.aborted && !isWorthRepeating(error) && batch.length > 1) {
          for (const one of batch) await send([one])
          return
        }
        if (closed.aborted || !isWorthRepeating(error)) {
          log.error('deliveries could not be settled', { error, count: batch.length })
          for (const { resolve } of batch) resolve({ outcome: 'lost' })
          return
        }
        await sleep(fullJitter(attempt, RETRY), closed)
      }
    }
  }
  const pump = async (): Promise<void> => {
    if (pumping) return
    pumping = true
    while (pending.length > 0) await send(pending.splice(0, MAXIMUM_ENTRIES))
    pumping = false
  }
  return {
    settle: (delivery, settlement) =>
      new Promise((resolve) => {
        const { deliveryId, attempt } = delivery
        pending.push({ delivery: { deliveryId, attempt }, settlement, resolve })
        void pump()
      }),
    async extend(deliveries, leaseMs) {
      if (deliveries.length === 0) return []
      const answer = await call({
        extends: deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, leaseMs })),
      })
      return answer.lost.map(({ deliveryId }) => deliveryId)
    },
    async setCredits(credits) {
      await call({ credits })
    },
  }
}

/** An answer that will be the same next time is not asked for again. */
const isWorthRepeating = (error: unknown): boolean => !isProblem(error) || error.retryable || error.status === 401

function bodyOf(batch: readonly Pending[]) {
  const acks = batch.flatMap(({ delivery, settlement }) =>
    settlement.kind === 'ack' ? [{ ...delivery, emits: settlement.emits }] : [],
  )
  const nacks = batch.flatMap(({ delivery, settlement }): object[] => {
    if (settlement.kind === 'release') return [{ ...delivery, release: true }]
    if (settlement.kind !== 'nack') return []
    return [{ ...delivery, problem: settlement.problem, ...(settlement.dead === true ? { dead: true } : {}) }]
  })
  return { acks, nacks }
}

function answerAll(
  batch: readonly Pending[],
  answer: {
    lost: readonly { deliveryId: string }[]
    refused: readonly { deliveryId: string; problem: SettledProblem }[]
  },
): void {
  for (const { delivery, resolve } of batch) {
    const refused = answer.refused.find(({ deliveryId }) => deliveryId === delivery.deliveryId)
    if (refused !== undefined) resolve({ outcome: 'refused', problem: refused.problem })
    else if (answer.lost.some(({ deliveryId }) => deliveryId === delivery.deliveryId)) resolve({ outcome: 'lost' })
    else resolve({ outcome: 'settled' })
  }
}
