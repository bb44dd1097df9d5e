import type { Context } from '@soma/kernel'
import { newUuid } from '@soma/kernel'
import type { EventsHost } from './events-host.ts'

export interface ReceivedDelivery {
  readonly deliveryId: string
  readonly attempt: number
  readonly leaseUntil: string
  readonly redelivered: boolean
  readonly event: {
    readonly id: string
    readonly type: string
    readonly data?: unknown
    readonly [attribute: string]: unknown
  }
}

/** A connected member of a group, as a remote agent is one. */
export interface TestMember {
  readonly memberId: string
  /** The next frame, whatever it is. */
  next(): Promise<{ event: string; data: unknown } | undefined>
  /** The next delivery; other frames before it are skipped, and a stream that ended because its dispatcher moved is opened again, as agents do. */
  delivery(): Promise<ReceivedDelivery>
  settle(body: Readonly<Record<string, unknown>>): ReturnType<EventsHost['events']['deliveries']['settle']>
  ack(
    delivery: ReceivedDelivery,
    emits?: readonly Readonly<Record<string, unknown>>[],
  ): ReturnType<EventsHost['events']['deliveries']['settle']>
  nack(
    delivery: ReceivedDelivery,
    more?: Readonly<Record<string, unknown>>,
  ): ReturnType<EventsHost['events']['deliveries']['settle']>
  /** The connection breaks. */
  leave(): Promise<void>
}

export async function aMember(
  host: EventsHost,
  context: Context,
  subscriptionId: string,
  options: { memberId?: string; credits?: number; agentInstanceId?: string } = {},
): Promise<TestMember> {
  const { memberId = newUuid(), credits = 10, agentInstanceId } = options
  const ending = new AbortController()
  const open = async () => {
    const frames = await host.events.deliveries.stream(context, {
      params: { subscriptionId },
      query: { memberId, credits, ...(agentInstanceId === undefined ? {} : { agentInstanceId }) },
      signal: ending.signal,
    })
    return frames[Symbol.asyncIterator]()
  }
  let iterator = await open()
  const next = async () => {
    const frame = await iterator.next()
    return frame.done === true ? undefined : (frame.value as { event: string; data: unknown })
  }
  const settle: TestMember['settle'] = (body) =>
    host.events.deliveries.settle(context, { params: { subscriptionId }, body: { memberId, ...body } as never })
  return {
    memberId,
    next,
    delivery: async () => {
      for (;;) {
        const frame = await next()
        if (frame === undefined) {
          ending.signal.throwIfAborted()
          iterator = await open()
        }
        if (frame?.event === 'delivery') return frame.data as ReceivedDelivery
      }
    },
    settle,
    ack: ({ deliveryId, attempt }, emits = []) => settle({ acks: [{ deliveryId, attempt, emits }] }),
    nack: ({ deliveryId, attempt }, more = {}) => settle({ nacks: [{ deliveryId, attempt, ...more }] }),
    leave: async () => {
      ending.abort()
      await iterator.return?.()
    },
  }
}
