import { eventsContract } from '@soma/events/contract'
import { buildClient, type Client, createHttpTransport } from '@soma/kernel'
import { headersOf, testContext } from '@soma/server/testing'
import { EVENT_TYPE } from './chaos-module.ts'

export const TENANTS = ['tenant-a', 'tenant-b', 'tenant-c'] as const
const KEYS = 7
const BATCH = 4
const AGAIN_MS = 50
const TIMEOUT_MS = 5_000
/** Longer than any fault of a scenario: what is not accepted by then never will be. */
const PATIENCE_MS = 200_000

export type Events = Client<typeof eventsContract>

/** Clients of one principal at each process; whoever gets no answer asks the next. */
export function clientsOf(
  urls: readonly string[],
  who: Parameters<typeof testContext>[0],
): (attempt: number) => Events {
  const headers = headersOf(testContext(who))
  const clients = urls.map((url) =>
    buildClient(eventsContract, createHttpTransport({ url, headers: () => headers, fetch, timeoutMs: TIMEOUT_MS })),
  )
  return (attempt) => clients[attempt % clients.length] as Events
}

export interface Load {
  /** How many events of each tenant were answered 201. */
  accepted(): number
  /** Publishes until it is ended; the same numbers again, under the same ids, until they are accepted. */
  start(perSecond: number): void
  /** What is under way is accepted first. */
  end(): Promise<void>
}

/** One publisher a tenant, so that the order of its numbers is the order of every key. Tenants share ids and keys: a mix-up shows. */
export function createLoad(urls: readonly string[]): Load {
  const numbers = new Map<string, number>(TENANTS.map((tenantId) => [tenantId, 0]))
  let ending = new AbortController()
  let running: Promise<unknown> = Promise.resolve()

  const publish = async (tenantId: string, perSecond: number) => {
    const client = clientsOf(urls, { tenantId })
    while (!ending.signal.aborted) {
      const from = numbers.get(tenantId) as number
      await untilAccepted(
        client,
        Array.from({ length: BATCH }, (_, index) => anEvent(from + index)),
      )
      numbers.set(tenantId, from + BATCH)
      await pause((1_000 * BATCH * TENANTS.length) / perSecond)
    }
  }
  return {
    accepted: () => Math.min(...numbers.values()),
    start: (perSecond) => {
      ending = new AbortController()
      running = Promise.all(TENANTS.map((tenantId) => publish(tenantId, perSecond)))
      running.catch(() => undefined)
    },
    end: async () => {
      ending.abort()
      await running
      const most = Math.max(...numbers.values())
      // Even, so that one number says what each tenant published.
      for (const tenantId of TENANTS)
        while ((numbers.get(tenantId) as number) < most) {
          const from = numbers.get(tenantId) as number
          await untilAccepted(
            clientsOf(urls, { tenantId }),
            Array.from({ length: BATCH }, (_, index) => anEvent(from + index)),
          )
          numbers.set(tenantId, from + BATCH)
        }
    },
  }
}

async function untilAccepted(client: (attempt: number) => Events, events: readonly ReturnType<typeof anEvent>[]) {
  const deadline = performance.now() + PATIENCE_MS
  for (let attempt = 0; ; attempt++) {
    try {
      const { results } = await client(attempt).events.publishBatch(undefined as never, {
        body: { events: [...events] },
      })
      const refused = results.find(({ status }) => status === 'refused')
      if (refused !== undefined) throw new Error(`an event was refused: ${JSON.stringify(refused)}`)
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await pause(AGAIN_MS)
    }
  }
}

export const keyOf = (number: number): string => `key-${number % KEYS}`

const anEvent = (number: number) => ({
  id: `event-${number}`,
  topic: 'business-facts',
  type: EVENT_TYPE,
  partitionKey: keyOf(number),
  data: { number },
})

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
