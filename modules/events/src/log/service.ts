import {
  type Context,
  commonProblems,
  decodeCursor,
  type EventEnvelope,
  encodeCursor,
  holds,
  type ModuleDatabase,
  type SqlSession,
  TOPICS,
} from '@soma/kernel'
import { TOPIC_NAMES } from '../../contract/aliases.ts'
import { positionTrimmed, unknownTopic } from '../../contract/problems.ts'
import { nearestName } from '../publishing/nearest.ts'
import { eventIn, type EventFilter, readingsOf, type TopicReadings } from './event-filter.ts'
import { findEvents, type ListPlace, listEvents, oldestOf } from './store.ts'

export interface ListQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly id?: string | undefined
  readonly source?: string | undefined
  readonly topic?: string | undefined
  readonly type?: string | undefined
  readonly key?: string | undefined
  readonly planId?: string | undefined
  readonly sessionId?: string | undefined
  readonly correlationId?: string | undefined
  readonly dataSchema?: string | undefined
  readonly userId?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly fields: 'headers' | 'all'
}

/** What a caller may read: everything of its space, or with `event:read-own` alone its own user's. @throws forbidden without either. */
export function readableBy(context: Context): Pick<EventFilter, 'userId' | 'spaceId'> {
  const space = context.spaceId === '' ? {} : { spaceId: context.spaceId }
  if (holds(context.principal, 'event:read')) return space
  if (!holds(context.principal, 'event:read-own'))
    throw commonProblems.forbidden.create('reading events needs the capability "event:read" or "event:read-own"', {
      capability: 'event:read',
    })
  return { ...space, userId: context.userId ?? context.principal.id }
}

/** @throws unknown-topic with the nearest name. */
export function requireReadings(names: readonly string[]): TopicReadings {
  const found = readingsOf(names)
  if ('readings' in found) return found.readings
  const nearest = nearestName(found.unknown, TOPIC_NAMES)
  throw unknownTopic.create(
    `there is no topic "${found.unknown}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
    nearest === undefined ? {} : { nearest },
  )
}

export function createLogService({ database }: { database: ModuleDatabase }) {
  return {
    list: async (
      context: Context,
      query: ListQuery,
    ): Promise<{ items: EventEnvelope[]; nextCursor: string | null }> => {
      const own = readableBy(context)
      const filter = filterOf(query, own)
      const readings = requireReadings(query.topic === undefined ? TOPICS : [query.topic])
      if (own.userId !== undefined && query.userId !== undefined && query.userId !== own.userId)
        return { items: [], nextCursor: null }
      const records = await database.transaction(context, async (tx) => {
        if (query.id !== undefined)
          return (await findEvents(tx, [query.id])).filter((record) => visible(eventIn(record), filter))
        const before = placeOf(query.cursor)
        if (before !== undefined) await requireThere(tx, before)
        return listEvents(tx, {
          readings,
          filter,
          limit: query.limit + 1,
          ...(query.key === undefined ? {} : { key: query.key }),
          ...(query.from === undefined ? {} : { from: query.from }),
          ...(query.to === undefined ? {} : { to: query.to }),
          ...(before === undefined ? {} : { before }),
        })
      })
      const page = records.slice(0, query.limit)
      const last = page.at(-1)
      return {
        items: page.flatMap((record) => eventIn(record) ?? []).map((event) => withFields(event, query.fields)),
        nextCursor:
          records.length > query.limit && last !== undefined
            ? encodeCursor([last.recordedAt.getTime(), last.topic, last.part, last.position])
            : null,
      }
    },
    get: async (context: Context, eventId: string, source: string | undefined): Promise<EventEnvelope> => {
      const filter = { ...readableBy(context), ...(source === undefined ? {} : { source }) }
      const records = await database.transaction(context, (tx) => findEvents(tx, [eventId]))
      const event = records.map(eventIn).find((candidate) => visible(candidate, filter))
      if (event === undefined) throw commonProblems.notFound.create(`no event ${eventId}`)
      return event
    },
  }
}

function filterOf(query: ListQuery, own: EventFilter): EventFilter {
  const { type, source, planId, sessionId, correlationId, dataSchema, userId } = query
  return {
    ...(type === undefined ? {} : { types: [type] }),
    ...(source === undefined ? {} : { source }),
    ...(planId === undefined ? {} : { planId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(dataSchema === undefined ? {} : { dataSchema }),
    ...(userId === undefined ? {} : { userId }),
    ...own,
  }
}

const visible = (event: EventEnvelope | undefined, filter: EventFilter): boolean =>
  event !== undefined &&
  (filter.userId === undefined || event.userid === filter.userId) &&
  (filter.spaceId === undefined || event.spaceid === filter.spaceId) &&
  (filter.source === undefined || event.source === filter.source)

function placeOf(cursor: string | undefined): ListPlace | undefined {
  const place = decodeCursor(cursor, ['milliseconds', 'text', 'smallint', 'integer'])
  if (place === undefined) return undefined
  const [recordedAtMs, topic, part, position] = place
  return { recordedAt: new Date(recordedAtMs), topic, part, position }
}

/** @throws position-trimmed when the event that the last page ended with is gone: what came before it is gone too. */
async function requireThere(session: SqlSession, { topic, part, position }: ListPlace): Promise<void> {
  const oldestPosition = await oldestOf(session, topic, part)
  if (oldestPosition === undefined || position >= oldestPosition) return
  throw positionTrimmed.create(`the oldest event of "${topic}", partition ${part}, is at position ${oldestPosition}`, {
    oldestPosition,
  })
}

function withFields(event: EventEnvelope, fields: 'headers' | 'all'): EventEnvelope {
  if (fields === 'all') return event
  const { data: _data, data_base64: _base64, ...headers } = event
  return headers as EventEnvelope
}
