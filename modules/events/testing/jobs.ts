import { type Context, newUuid } from '@soma/kernel'
import type { EventsHost } from './events-host.ts'

type More = Readonly<Record<string, unknown>>

/** A group of its own that takes `job.asked` and tries again at once; returns its id. */
export async function aJobGroup(host: EventsHost, context: Context, more: More = {}): Promise<string> {
  const backoff = { baseMs: 1, factor: 1, maxMs: 1 }
  const body = { name: `jobs-${newUuid()}`, topics: ['business-facts'], types: ['job.asked'], backoff, ...more }
  return (await host.events.subscriptions.create(context, { body: body as never })).id
}

/** Publishes `job.asked` with a number; returns the event's id. */
export async function askJob(host: EventsHost, context: Context, n: number, more: More = {}): Promise<string> {
  const body = { type: 'job.asked', topic: 'business-facts', data: { n }, ...more }
  return (await host.events.events.publish(context, { body })).eventId
}
