import { type Context, type EventEnvelope, type ModuleDatabase, type Topic } from '@soma/kernel'
import { eventIn } from '../log/event-filter.ts'
import { findEvents } from '../log/store.ts'
import type { Definitions, KnownDefinition, KnownSchema } from './definitions.ts'
import { isAnswerTo } from './reply-id.ts'
import type { ParsedEvent, Stamp } from './stamp.ts'

/** What requesters want of their replies. */
export interface ReplyContracts {
  /** The schema that the requester named for the reply that this event is; undefined for anything else. */
  of(answer: Answer, topic: Topic, stamp: Said): Promise<KnownSchema | undefined>
}

type Answer = Pick<ParsedEvent, 'type' | 'correlationId' | 'causationId'> & Pick<KnownDefinition, 'kind'>
type Said = Pick<Stamp, 'context' | 'cause'>

export function createReplyContracts(options: { database: ModuleDatabase; definitions: Definitions }): ReplyContracts {
  return {
    of: async (answer, topic, stamp) => {
      const request = await requestOf(answer, { topic, stamp, database: options.database })
      if (request?.responseschema === undefined) return undefined
      return options.definitions.findSchema(stamp.context, request.responseschema)
    },
  }
}

/**
 * A reply echoes the correlation of its request and is caused by it (EVT-R53). The request is the event in hand, or one whose id the caller wrote as a cause or
 * correlation. A correlation that merely goes on from the event in hand is looked up for types declared as replies alone: each look costs a read of the log.
 */
async function requestOf(
  { type, kind, correlationId, causationId }: Answer,
  { topic, stamp, database }: { topic: Topic; stamp: Said; database: ModuleDatabase },
): Promise<EventEnvelope | undefined> {
  const { context, cause } = stamp
  const correlation = correlationId ?? cause?.correlationId
  const isRequest = (event: EventEnvelope) =>
    isAnswerTo(event, { type, topic }) && correlation === (event.correlationid ?? event.id)
  if (cause !== undefined && isRequest(cause.event)) return cause.event
  const ids = new Set([causationId, correlation])
  ids.delete(undefined)
  ids.delete(cause?.eventId)
  if (kind !== 'reply') ids.delete(cause?.correlationId)
  return ids.size === 0 ? undefined : (await readEvents(context, [...ids] as string[], database)).find(isRequest)
}

export const readEvents = async (context: Context, ids: readonly string[], database: ModuleDatabase) =>
  (await database.transaction(context, (tx) => findEvents(tx, ids))).flatMap((record) => eventIn(record) ?? [])
