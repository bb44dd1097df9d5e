import {
  type Context,
  commonProblems,
  decodeCursor,
  type EventEnvelope,
  holds,
  type LogRecord,
  type ModuleDatabase,
  toPage,
} from '@soma/kernel'
import { eventIn } from '../log/event-filter.ts'
import { findEvents } from '../log/store.ts'
import * as store from './store.ts'

export function createScheduledService({ database }: { database: ModuleDatabase }) {
  return {
    list: async (context: Context, query: { limit: number; cursor?: string | undefined }) => {
      const scope = scopeOf(context)
      const place = decodeCursor(query.cursor, ['milliseconds', 'integer'])
      const after = place === undefined ? null : ([new Date(place[0]).toISOString(), place[1]] as const)
      const rows = await database.transaction(context, (tx) =>
        store.listScheduled(tx, scope, { after, limit: query.limit + 1 }),
      )
      return toPage(rows, query.limit, {
        item: (row) => JSON.parse(row.envelope) as EventEnvelope,
        key: (row) => [row.due_at.getTime(), row.id],
      })
    },
    delete: async (context: Context, eventId: string, source: string | undefined): Promise<void> => {
      const scope = scopeOf(context)
      await database.transaction(context, async (tx) => {
        const [row, other] = await store.lockScheduled(tx, scope, { eventId, source: source ?? null })
        if (other !== undefined)
          throw commonProblems.conflict.create(`two scheduled events share the id ${eventId}: name the source`)
        if (row === undefined) throw absent(eventId, await findEvents(tx, [eventId]), { ...scope, source })
        if (!(await store.deleteNotDue(tx, row.id)))
          throw commonProblems.conflict.create(`${eventId} is due, so it is being recorded`)
      })
    },
  }
}

/** @throws forbidden for who may neither publish nor manage. */
function scopeOf({ principal, spaceId }: Context): store.ScheduledScope {
  const seesAll = holds(principal, 'event:manage')
  if (!seesAll && !holds(principal, 'event:publish'))
    throw commonProblems.forbidden.create('scheduled events need the capability "event:publish" or "event:manage"', {
      capability: 'event:publish',
    })
  return { authorId: seesAll ? null : principal.id, spaceId: spaceId === '' ? null : spaceId }
}

function absent(
  eventId: string,
  recorded: readonly LogRecord[],
  { authorId, spaceId, source }: store.ScheduledScope & { source: string | undefined },
) {
  const isRecorded = recorded
    .map(eventIn)
    .some(
      (event) =>
        event !== undefined &&
        (authorId === null || event.authid === authorId) &&
        (spaceId === null || event.spaceid === spaceId) &&
        (source === undefined || event.source === source),
    )
  return isRecorded
    ? commonProblems.conflict.create(`${eventId} is recorded in the log`)
    : commonProblems.notFound.create(`no scheduled event ${eventId}`)
}
