import type { Clock, EventEnvelope, Logger } from '@soma/kernel'
import type { AgentDefinition } from '../define/agent-definition.ts'
import type { AgentClients } from './agent-clients.ts'
import { followCancellations, TaskEndedElsewhere } from './cancellations.ts'
import type { Delivery } from './delivery-stream.ts'
import { handleDelivery } from './handle-delivery.ts'
import type { AgentIdentity } from './handling.ts'
import type { Settlement, Settler } from './settler.ts'
import { taskOfRequest } from './task-of-request.ts'

export interface WorkInHand {
  /** Handles a delivery. One that is in hand already (sent again after a reconnect) is not begun twice. */
  take(delivery: Delivery): void
  /** Aborts the handler of a delivery whose lease is gone. */
  lose(deliveryId: string): void
  /** Waits for the handlers; what has not ended after the grace is aborted and handed back, with no attempt burned. */
  drain(graceMs: number): Promise<void>
}

interface Held {
  readonly delivery: Delivery
  readonly abort: AbortController
  readonly done: Promise<void>
  readonly takenAtMs: number
  /** What its handler makes counts no more. */
  isLost: boolean
}

/** What an agent has in hand: the group hands out at most one event of a key at a time, so everything that arrives may run at once. */
export function createWorkInHand(options: {
  definition: AgentDefinition
  identity: AgentIdentity
  settler: Settler
  leaseMs: number
  /** The agent's own. */
  clients: AgentClients
  clientsFor: (deliveryId: string, traceparent: string | undefined) => AgentClients
  log: Logger
  clock: Clock
  /** What is in hand now, whenever that changes. */
  onChange: (deliveries: readonly Delivery[]) => void
}): WorkInHand {
  const { definition, identity, settler, leaseMs, log, clock } = options
  const held = new Map<string, Held>()
  let keeper: NodeJS.Timeout | undefined

  const lose = (deliveryId: string): void => {
    const entry = held.get(deliveryId)
    if (entry === undefined) return
    entry.isLost = true
    log.warn('a lease was lost', { deliveryId, type: entry.delivery.event.type })
    entry.abort.abort(new Error('the lease was lost'))
  }
  const abandon = ({ taskid: taskId = '', time: endedAt }: EventEnvelope): void => {
    for (const { delivery, abort } of held.values()) {
      const { event } = delivery
      if (event.topic !== 'action-requests') continue
      const task = taskOfRequest(event, identity.name)
      // What `plans` asked for after the end is a new try of the task.
      if (task.taskId !== taskId || (task.isPlanned && Date.parse(event.time) > Date.parse(endedAt))) continue
      log.info('a task in hand was ended elsewhere', { taskId, type: event.type })
      abort.abort(new TaskEndedElsewhere(taskId))
    }
  }
  const cancellations = followCancellations({
    clients: options.clients,
    takenAt: () => [...held.values()].map(({ takenAtMs }) => takenAtMs),
    onEnded: abandon,
    log,
  })
  const extend = async (): Promise<void> => {
    try {
      const lost = await settler.extend(
        [...held.values()].map(({ delivery }) => delivery),
        leaseMs,
      )
      for (const deliveryId of lost) lose(deliveryId)
    } catch (error) {
      log.warn('leases could not be extended', { error })
    }
  }
  const changed = (): void => {
    options.onChange([...held.values()].map(({ delivery }) => delivery))
    cancellations.changed()
    if (held.size > 0) keeper ??= setInterval(() => void extend(), leaseMs / 2).unref()
    else {
      clearInterval(keeper)
      keeper = undefined
    }
  }
  const settle = async (delivery: Delivery, settlement: Settlement): Promise<void> => {
    const answer = await settler.settle(delivery, settlement)
    if (answer.outcome === 'lost') {
      log.warn('a delivery was settled too late', { deliveryId: delivery.deliveryId, type: delivery.event.type })
    } else if (answer.outcome === 'refused') {
      log.warn('what a handler sent was refused', { type: delivery.event.type, problem: answer.problem })
      await settler.settle(delivery, { kind: 'nack', problem: { ...answer.problem, retryable: true } })
    }
  }
  const handle = async (delivery: Delivery, abort: AbortController): Promise<void> => {
    const settlement = await handleDelivery(definition, {
      event: delivery.event,
      deliveryId: delivery.deliveryId,
      attempt: delivery.attempt,
      redelivered: delivery.redelivered,
      agent: identity,
      clients: options.clientsFor(delivery.deliveryId, delivery.event.traceparent),
      signal: abort.signal,
      log: log.child({ type: delivery.event.type, planId: delivery.event.planid }),
      clock,
    })
    if (held.get(delivery.deliveryId)?.isLost !== true) await settle(delivery, settlement)
  }
  return {
    take(delivery) {
      const known = held.get(delivery.deliveryId)
      if (known !== undefined && known.delivery.attempt === delivery.attempt) return
      const abort = new AbortController()
      const done = Promise.resolve()
        .then(() => handle(delivery, abort))
        .catch((error: unknown) => log.error('a delivery could not be settled', { error }))
        .finally(() => {
          if (held.get(delivery.deliveryId)?.abort === abort) held.delete(delivery.deliveryId)
          changed()
        })
      held.set(delivery.deliveryId, { delivery, abort, done, takenAtMs: Date.now(), isLost: false })
      changed()
    },
    lose,
    async drain(graceMs) {
      const all = () => Promise.all([...held.values()].map(({ done }) => done))
      let timer: NodeJS.Timeout | undefined
      const grace = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs)
      })
      await Promise.race([all(), grace])
      clearTimeout(timer)
      const unfinished = [...held.values()]
      for (const entry of unfinished) {
        entry.isLost = true
        entry.abort.abort(new Error('the agent stops'))
      }
      await Promise.all(unfinished.map(({ delivery }) => settler.settle(delivery, { kind: 'release' })))
      clearInterval(keeper)
      cancellations.stop()
    },
  }
}
