import { type EventEnvelope, isProblem, type Logger, type Problem } from '@soma/kernel'
import type { AgentClients } from './agent-clients.ts'
import { fullJitter, sleep } from './waiting.ts'

export interface Delivery {
  readonly deliveryId: string
  readonly attempt: number
  readonly redelivered: boolean
  readonly event: EventEnvelope
}

export interface DeliveryStream {
  /** Resolves when the stream was open once, or was refused for good. */
  readonly opened: Promise<void>
  /** Resolves with the problem when the credential was refused twice in a row; undefined after `stop`. */
  readonly ended: Promise<Problem | undefined>
  stop(): Promise<void>
}

const RECONNECT = { baseMs: 500, maxMs: 30_000 }
/** A connection that has held so long counts as healthy: the next break starts with a short wait again. */
const HEALTHY_MS = 60_000
const REFUSALS = 2

/** Follows the deliveries of a group as one member, over any number of connections: always with the same member id, so that leases are kept. */
export function followDeliveries(options: {
  clients: AgentClients
  subscriptionId: string
  query: { memberId: string; credits: number; agentInstanceId: string }
  onDelivery: (delivery: Delivery) => void
  onLeaseLost: (deliveryId: string) => void
  log: Logger
}): DeliveryStream {
  const stopped = new AbortController()
  let setOpened: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    setOpened = resolve
  })

  const connectOnce = async (): Promise<number> => {
    const frames = await options.clients.events.deliveries.stream({
      params: { subscriptionId: options.subscriptionId },
      query: options.query,
      signal: stopped.signal,
    })
    setOpened()
    for await (const frame of frames) {
      if (frame.event === 'delivery') options.onDelivery(frame.data as unknown as Delivery)
      else if (frame.event === 'lease-lost') options.onLeaseLost(frame.data.deliveryId)
      else if (frame.event === 'gap') options.log.warn('events were lost to retention', { ...frame.data })
      else if (frame.event === 'drain') return frame.data.retryAfterMs
      else if (frame.event === 'closed') options.log.warn('the stream was closed', { reason: frame.data.reason })
    }
    return 0
  }
  const loop = async (): Promise<Problem | undefined> => {
    let failures = 0
    let refusals = 0
    while (!stopped.signal.aborted) {
      const startedAt = Date.now()
      let pauseMs = 0
      try {
        pauseMs = await connectOnce()
        refusals = 0
      } catch (error) {
        if (stopped.signal.aborted) break
        refusals = isProblem(error) && error.status === 401 ? refusals + 1 : 0
        options.log.warn('the stream broke', { error, failures })
        if (refusals === REFUSALS) return error as Problem
      }
      failures = Date.now() - startedAt > HEALTHY_MS ? 0 : failures + 1
      await sleep(Math.max(pauseMs, fullJitter(failures - 1, RECONNECT)), stopped.signal)
    }
    return undefined
  }
  const ended = loop()
  void ended.then(setOpened, setOpened)
  return {
    opened,
    ended,
    async stop() {
      stopped.abort()
      await ended
    },
  }
}
