import type { Context } from '@soma/kernel'
import type { EventsHost } from './events-host.ts'

/** A frame of an SSE tail. */
export interface TailFrame {
  readonly id?: string
  readonly event: string
  readonly data: { readonly id: string; readonly [member: string]: unknown }
}

/** An open tail, as a browser has one. */
export interface TestTail {
  next(): Promise<TailFrame>
  /** The next frames, so many. */
  take(total: number): Promise<TailFrame[]>
  close(): Promise<void>
}

/** Follows `business-facts` as long as `query` names no other topics. */
export async function aTail(
  host: EventsHost,
  context: Context,
  { lastEventId, ...query }: Readonly<Record<string, string>> = {},
): Promise<TestTail> {
  const ending = new AbortController()
  const frames = await host.events.events.stream(context, {
    query: { topics: 'business-facts', ...query },
    signal: ending.signal,
    ...(lastEventId === undefined ? {} : { lastEventId }),
  })
  const iterator = frames[Symbol.asyncIterator]()
  const next = async () => (await iterator.next()).value as TailFrame
  return {
    next,
    take: async (total) => {
      const taken: TailFrame[] = []
      while (taken.length < total) taken.push(await next())
      return taken
    },
    close: async () => {
      ending.abort()
      await iterator.return?.()
    },
  }
}
