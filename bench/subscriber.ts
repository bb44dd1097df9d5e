import { eventsContract } from '@soma/events/contract'
import { buildClient, type Context, createHttpTransport, newUuid } from '@soma/kernel'
import { registryContract } from '@soma/registry/contract'
import { testContext } from '@soma/server/testing'
import type { BenchServer } from './bench-module.ts'

/** Over HTTP as an agent elsewhere, or by direct calls as one in the platform's process. */
export type Way = 'http' | 'in-process'

export const context = testContext()

export function eventsClient({ server }: BenchServer, way: Way) {
  const headers = server.headersOf(context)
  return way === 'http'
    ? buildClient(eventsContract, createHttpTransport({ url: server.url, headers: () => headers, fetch }))
    : server.client(eventsContract)
}

const SCHEMA = {
  type: 'object',
  properties: { number: { type: 'integer' }, text: { type: 'string' } },
  required: ['number', 'text'],
  additionalProperties: false,
}

/** Registers the type of `aLoadEvent`. */
export async function defineLoad({ server }: BenchServer, as = context): Promise<void> {
  const definition = { topic: 'business-facts', type: 'load.done', description: 'Load.' }
  await server.client(registryContract).events.create(as, {
    body: { ...definition, schema: { jsonSchema: SCHEMA } as never },
  })
}

export interface Subscriber {
  readonly subscriptionId: string
  /** Called once a settle that holds the event's ack was answered. */
  acknowledged: (number: number) => void
  stop(): Promise<void>
}

export interface SubscriberOptions {
  readonly name: string
  readonly way: Way
  readonly members: number
  readonly credits: number
  /** Whose it is, called in process. Default: the tenant of `context`. */
  readonly as?: Context
}

/** A group of members that acknowledge at once; acks gather while the last settle is under way. */
export async function subscribe(bench: BenchServer, options: SubscriberOptions): Promise<Subscriber> {
  const client = eventsClient(bench, options.way)
  const { as = context } = options
  const { id } = await client.subscriptions.create(as, {
    body: { name: options.name, topics: ['business-facts'], types: ['load.done'] },
  })
  const leaving = new AbortController()
  const subscriber: Subscriber = { subscriptionId: id, acknowledged: () => undefined, stop: async () => undefined }
  const members = await Promise.all(
    Array.from({ length: options.members }, async () => {
      const memberId = newUuid()
      const frames = await client.deliveries.stream(as, {
        params: { subscriptionId: id },
        query: { memberId, credits: options.credits },
        signal: leaving.signal,
      })
      return { ended: readAll({ frames: frames as AsyncIterable<{ event: string; data: unknown }>, memberId }) }
    }),
  )

  function readAll({
    frames,
    memberId,
  }: {
    frames: AsyncIterable<{ event: string; data: unknown }>
    memberId: string
  }) {
    const waiting: Received[] = []
    let isSettling = false
    const pump = async () => {
      while (waiting.length > 0) {
        const batch = waiting.splice(0, 500)
        const acks = batch.map(({ deliveryId, attempt }) => ({ deliveryId, attempt }))
        await client.deliveries.settle(as, { params: { subscriptionId: id }, body: { memberId, acks } })
        for (const { event } of batch) subscriber.acknowledged(event.data.number)
      }
      isSettling = false
    }
    return (async () => {
      try {
        for await (const frame of frames) {
          if (frame.event !== 'delivery') continue
          waiting.push(frame.data as Received)
          if (isSettling) continue
          isSettling = true
          void Promise.resolve().then(pump)
        }
      } catch (error) {
        if (!leaving.signal.aborted) throw error
      }
    })()
  }

  return Object.assign(subscriber, {
    stop: async () => {
      leaving.abort()
      await Promise.all(members.map(({ ended }) => ended))
    },
  })
}

interface Received {
  readonly deliveryId: string
  readonly attempt: number
  readonly event: { readonly data: { readonly number: number } }
}
