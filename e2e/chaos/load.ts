import { eventsContract } from '@soma/events/contract'
import { buildClient, type Client, type Contract, createHttpTransport } from '@soma/kernel'
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
export function clientsOf<C extends Contract>(
  contract: C,
  urls: readonly string[],
  who: Parameters<typeof testContext>[0],
): (attempt: number) => Client<C> {
  const headers = headersOf(testContext(who))
  const clients = urls.map((url) =>
    buildClient(contract, createHttpTransport({ url, headers: () => headers, fetch, timeoutMs: TIMEOUT_MS })),
  )
  return (attempt) => clients[attempt % clients.length] as Client<C>
}

export interface Load {
  /** How many events of each tenant were answered 201. */
  accepted(): number
  /** How many publishes had no 201, and were tried again. */
  refused(): number
  /** Publishes until it is ended; the same numbers again, under the same ids, until they are accepted. Called again it changes the pace. */
  start(perSecond: number): void
  /** What is under way is accepted first. */
  end(): Promise<void>
}

/** One publisher a tenant, so that the order of its numbers is the order of every key. Tenants share ids and keys: a mix-up shows. */
export function createLoad(urls: readonly string[]): Load {
  const numbers = new Map<string, number>(TENANTS.map((tenantId) => [tenantId, 0]))
  let ending = new AbortController()
  ending.abort()
  let running: Promise<unknown> = Promise.resolve()
  let [pace, refused] = [0, 0]

  /** The next numbers of the tenant, again and again until they are accepted. */
  const publish = async (tenantId: string, client: (attempt: number) => Events) => {
    const from = numbers.get(tenantId) as number
    const events = Array.from({ length: BATCH }, (_, index) => anEvent(from + index))
    const deadline = performance.now() + PATIENCE_MS
    for (let attempt = 0; ; attempt++, refused++) {
      try {
        const { results } = await client(attempt).events.publishBatch(undefined as never, { body: { events } })
        const bad = results.find(({ status }) => status === 'refused')
        if (bad !== undefined) throw new Error(`an event was refused: ${JSON.stringify(bad)}`)
        break
      } catch (error) {
        if (performance.now() > deadline) throw error
        await pause(AGAIN_MS)
      }
    }
    numbers.set(tenantId, from + BATCH)
  }
  const publishOn = async (tenantId: string, client: (attempt: number) => Events) => {
    for (let due = performance.now(); !ending.signal.aborted; ) {
      await publish(tenantId, client)
      // What was late is made up for, but not for long: after an outage there is no flood.
      due = Math.max(due + (1_000 * BATCH * TENANTS.length) / pace, performance.now() - 1_000)
      await pause(Math.max(0, due - performance.now()))
    }
  }
  const clients = new Map(TENANTS.map((tenantId) => [tenantId, clientsOf(eventsContract, urls, { tenantId })]))
  return {
    accepted: () => Math.min(...numbers.values()),
    refused: () => refused,
    start: (perSecond) => {
      pace = perSecond
      if (!ending.signal.aborted) return
      ending = new AbortController()
      running = Promise.all([...clients].map(([tenantId, client]) => publishOn(tenantId, client)))
      running.catch(() => undefined)
    },
    end: async () => {
      ending.abort()
      await running
      const most = Math.max(...numbers.values())
      // Even, so that one number says what each tenant published.
      for (const [tenantId, client] of clients)
        while ((numbers.get(tenantId) as number) < most) await publish(tenantId, client)
    },
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
