import type { createClients } from '@soma/sdk/clients'

type Clients = ReturnType<typeof createClients>

/** A stored event as the stream gives it; `data` is read loosely, because this log holds many types. */
export interface Fact {
  readonly id: string
  readonly type: string
  readonly time: string
  readonly planid?: string
  readonly taskid?: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Everything that was said about plans, tasks and gates, and what agents answered, from the beginning on. */
export interface EventLog {
  readonly facts: readonly Fact[]
  /** Resolves with the first fact, past or future, for which `matches` holds. Rejects when the stream ends or after `deadlineMs`. */
  until(matches: (fact: Fact) => boolean, what: string): Promise<Fact>
  close(): void
}

/** A generous bound on everything that is waited for; only a hang reaches it. */
export const DEADLINE_MS = 120_000

interface Waiter {
  readonly matches: (fact: Fact) => boolean
  readonly resolve: (fact: Fact) => void
  readonly reject: (error: Error) => void
}

export async function followEvents(clients: Clients): Promise<EventLog> {
  const facts: Fact[] = []
  const waiters = new Set<Waiter>()
  const closing = new AbortController()
  let ended: Error | undefined
  const frames = await clients.events.events.stream({
    query: { topics: 'plan-events,task-events,system-events,action-results', from: 'earliest' },
    signal: closing.signal,
  } as never)
  const read = async () => {
    for await (const frame of frames) {
      if (frame.event !== 'event') continue
      const fact = frame.data as unknown as Fact
      facts.push(fact)
      for (const waiter of waiters) if (waiter.matches(fact)) waiter.resolve(fact)
    }
    throw new Error('the event stream ended')
  }
  read().catch((error: Error) => {
    ended = error
    for (const waiter of waiters) waiter.reject(error)
  })
  const until: EventLog['until'] = (matches, what) => {
    const known = facts.find(matches)
    if (known !== undefined) return Promise.resolve(known)
    if (ended !== undefined) return Promise.reject(ended)
    return new Promise<Fact>((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new Error(`waited too long for ${what}`))), DEADLINE_MS)
      const settle = (then: () => void) => {
        clearTimeout(timer)
        waiters.delete(waiter)
        then()
      }
      const waiter: Waiter = {
        matches,
        resolve: (fact) => settle(() => resolve(fact)),
        reject: (error) => settle(() => reject(error)),
      }
      waiters.add(waiter)
    })
  }
  return { facts, until, close: () => closing.abort() }
}
