import { newUuid } from '@soma/kernel'
import { ANSWER, type Events, eventsAt } from './nodes.ts'

const none = undefined as never
const AGAIN_MS = 50

export interface Given {
  readonly deliveryId: string
  readonly attempt: number
  readonly event: { readonly partitionkey?: string; readonly data?: unknown }
}

export interface WorkerOptions {
  readonly subscriptionId: string
  /** The processes that run; the one to stay with is first. */
  readonly urls: () => readonly string[]
  readonly credits: number
  /** The effect of a delivery, before it is settled. */
  readonly effect?: (given: Given, number: number) => Promise<void>
  /** What became of it. */
  readonly settled?: (number: number, isLost: boolean) => void
}

export interface Worker {
  stop(): Promise<void>
}

/** A member of the group as any agent is one: it stays the same member over reconnects, answers every request with its ack, and repeats a settle that nobody answered. */
export function startWorker(options: WorkerOptions): Worker {
  const memberId = newUuid()
  const ending = new AbortController()
  const handling = new Set<Promise<void>>()
  let turn = 0
  const next = (): Events => {
    const urls = options.urls()
    return eventsAt(urls[turn++ % urls.length] as string)
  }
  const settle = async (body: object) => {
    while (!ending.signal.aborted)
      try {
        const params = { subscriptionId: options.subscriptionId }
        return await next().deliveries.settle(none, { params, body: { memberId, ...body } as never })
      } catch {
        turn += 1
        await pause()
      }
  }
  const handle = async (given: Given) => {
    const { deliveryId, attempt, event } = given
    const { number } = event.data as { number: number }
    await options.effect?.(given, number)
    const emit = {
      type: ANSWER,
      topic: 'action-results',
      data: { number },
      partitionKey: event.partitionkey,
    }
    const answer = await settle({ acks: [{ deliveryId, attempt, emits: [emit] }] })
    if (answer !== undefined) options.settled?.(number, answer.settled.length === 0)
  }
  const read = async () => {
    while (!ending.signal.aborted)
      try {
        const frames = await next().deliveries.stream(none, {
          params: { subscriptionId: options.subscriptionId },
          query: { memberId, credits: options.credits },
          signal: ending.signal,
        })
        for await (const frame of frames) {
          if (frame.event !== 'delivery') continue
          const work = handle(frame.data as unknown as Given)
          handling.add(work)
          void work.finally(() => handling.delete(work))
        }
      } catch {
        await pause()
      }
  }
  const reading = read()
  return {
    stop: async () => {
      await Promise.all(handling)
      ending.abort()
      await reading
    },
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
