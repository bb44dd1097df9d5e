import {
  type Clock,
  type Context,
  commonProblems,
  decodeCursor,
  type EventEnvelope,
  encodeCursor,
  type Transaction,
  toId,
  uuidOf,
} from '@soma/kernel'
import type * as z from 'zod'
import { type deadLetterSchema, deadLetterDiscarded } from '../../contract/index.ts'
import { resolveTopic } from '../../contract/aliases.ts'
import { groupOf, dispatchOf, wireGroup } from '../subscriptions/config.ts'
import { eventOf, isOfModule, notOpen, type ReplayOptions, replayAll, replayOne } from './replay.ts'
import * as store from './store.ts'

type DeadLetter = z.output<typeof deadLetterSchema>

interface Filters {
  readonly subscriptionId?: string | undefined
  readonly moduleGroup?: string | undefined
  readonly topic?: string | undefined
  readonly type?: string | undefined
  readonly code?: string | undefined
  readonly state?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export interface DeadLetterServiceOptions extends ReplayOptions {
  readonly clock: Clock
}

export function createDeadLetterService(options: DeadLetterServiceOptions) {
  const { database } = options
  return {
    list: async (context: Context, query: Filters & { limit: number; cursor?: string | undefined }) => {
      const place = decodeCursor(query.cursor, ['milliseconds', 'uuid'])
      const before = place === undefined ? null : ([new Date(place[0]).toISOString(), place[1]] as const)
      const rows = await database.transaction(context, (tx) =>
        store.listDeadLetters(tx, filterOf(query), { before, limit: query.limit + 1 }),
      )
      const page = rows.slice(0, query.limit)
      const last = page.at(-1)
      const nextCursor =
        rows.length > query.limit && last !== undefined
          ? encodeCursor([last.dead_at.getTime(), last.delivery_id])
          : null
      return { items: page.map(toDeadLetter), nextCursor }
    },
    causes: async (context: Context, query: Filters) => {
      const rows = await database.transaction(context, (tx) =>
        store.listCauses(tx, filterOf({ ...query, state: 'open' })),
      )
      return {
        items: rows.map(({ code, type, grp, count, first_dead_at, last_dead_at }) => ({
          code,
          type,
          group: wireGroup(grp),
          count,
          firstDeadAt: first_dead_at.toISOString(),
          lastDeadAt: last_dead_at.toISOString(),
        })),
      }
    },
    get: async (context: Context, deliveryId: string): Promise<DeadLetter> =>
      toDeadLetter(
        required(
          await database.transaction(context, (tx) => store.findDeadLetter(tx, uuidOf('dlv', deliveryId))),
          deliveryId,
        ),
      ),
    replay: async (
      context: Context,
      deliveryId: string,
      { note, ...wanted }: { note: string; data?: EventEnvelope['data']; newEventId: () => string; dryRun: boolean },
    ): Promise<DeadLetter> => {
      const { data, newEventId, dryRun } = wanted
      const act = { resolution: by(context, note, options), data, newEventId, dryRun }
      return toDeadLetter(await replayOne(context, deliveryId, act, options))
    },
    replayMany: (context: Context, wanted: ReplayMany) => replayMany(context, wanted, options),
    purge: (context: Context, wanted: Filters & { note: string }) => purge(context, wanted, options),
    discard: (context: Context, deliveryId: string, note: string) => discard(context, deliveryId, note, options),
  }
}

type ReplayMany = { filter: Filters; note: string; max: number; ratePerSecond?: number | undefined; dryRun: boolean }

async function replayMany(
  context: Context,
  { filter, note, max, ratePerSecond, dryRun }: ReplayMany,
  options: DeadLetterServiceOptions,
) {
  const rows = await options.database.transaction(context, (tx) =>
    store.listDeadLetters(tx, filterOf({ ...filter, state: 'open' }), { before: null, limit: max }),
  )
  const everyMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond
  const act = { resolution: by(context, note, options), everyMs }
  const replayed = dryRun ? 0 : await replayAll(context, rows, act, options)
  return { matched: rows.length, replayed, handlers: handlersOf(rows) }
}

function handlersOf(rows: readonly store.DeadLetterRow[]) {
  const found = new Map<string, { group: string; handler: string | null; count: number }>()
  for (const { grp, handler } of rows) {
    const name = `${grp}\0${handler}`
    const known = found.get(name) ?? { group: wireGroup(grp), handler, count: 0 }
    found.set(name, { ...known, count: known.count + 1 })
  }
  return [...found.values()]
}

const PURGE_ROWS = 500

/** In batches, each with its facts: a purge that is cut off has done a part, and is repeated. */
async function purge(
  context: Context,
  { note, ...filter }: Filters & { note: string },
  options: DeadLetterServiceOptions,
): Promise<{ purged: number }> {
  let purged = 0
  for (;;) {
    const rows = await options.database.transaction(context, async (tx) => {
      const gone = await store.deleteDeadLetters(tx, filterOf(filter), PURGE_ROWS)
      for (const row of gone) {
        if (row.state === 'open') await store.dropBlockingRow(tx, row.delivery_id)
        emitDiscarded(tx, row, { note, byId: context.principal.id })
      }
      return gone
    })
    const blocking = rows.filter((row) => row.state === 'open' && !isOfModule(row))
    for (const grp of new Set(blocking.map((row) => row.grp)))
      await options.rowsChanged(
        dispatchOf(grp),
        blocking.filter((row) => row.grp === grp).map(({ delivery_id }) => delivery_id),
      )
    purged += rows.length
    if (rows.length < PURGE_ROWS) return { purged }
  }
}

function emitDiscarded(tx: Transaction, row: store.DeadLetterRow, act: { note: string; byId: string }): void {
  const deliveryId = toId('dlv', row.delivery_id)
  tx.emit(deadLetterDiscarded, { deliveryId, group: wireGroup(row.grp), ...act }, { partitionKey: deliveryId })
}

async function discard(
  context: Context,
  deliveryId: string,
  note: string,
  options: DeadLetterServiceOptions,
): Promise<DeadLetter> {
  const row = await options.database.transaction(context, async (tx) => {
    const current = required(await store.findDeadLetter(tx, uuidOf('dlv', deliveryId)), deliveryId)
    const resolution = by(context, note, options)
    const resolved = await store.resolveDeadLetter(tx, current.delivery_id, { state: 'discarded', resolution })
    if (resolved === undefined) throw notOpen(current)
    await store.dropBlockingRow(tx, resolved.delivery_id)
    emitDiscarded(tx, resolved, { note, byId: context.principal.id })
    return resolved
  })
  if (!isOfModule(row)) await options.rowsChanged(dispatchOf(row.grp), [row.delivery_id])
  return toDeadLetter(row)
}

const by = (context: Context, note: string, { clock }: DeadLetterServiceOptions) => ({
  byId: context.principal.id,
  at: clock.now().toISOString(),
  note,
})

function required(row: store.DeadLetterRow | undefined, deliveryId: string): store.DeadLetterRow {
  if (row === undefined) throw commonProblems.notFound.create(`no dead letter ${deliveryId}`)
  return row
}

/** @throws invalid-request for two groups at once: nothing is in both. */
function filterOf({
  subscriptionId,
  moduleGroup,
  topic,
  type,
  code,
  state,
  from,
  to,
}: Filters): store.DeadLetterFilter {
  if (subscriptionId !== undefined && moduleGroup !== undefined)
    throw commonProblems.invalidRequest.create('name subscriptionId or moduleGroup: a dead letter has one group')
  return {
    group: subscriptionId === undefined ? (moduleGroup ?? null) : groupOf(uuidOf('sub', subscriptionId)),
    topic: topic === undefined ? null : (resolveTopic(topic)?.topics[0] ?? topic),
    type: type ?? null,
    code: code ?? null,
    state: state ?? null,
    from: from ?? null,
    to: to ?? null,
  }
}

function toDeadLetter(row: store.DeadLetterRow): DeadLetter {
  const event = eventOf(row)
  return {
    deliveryId: toId('dlv', row.delivery_id),
    group: wireGroup(row.grp),
    topic: row.topic,
    type: row.type,
    key: row.key,
    eventId: row.event_id,
    event: (event ?? remainsOf(row)) as unknown as DeadLetter['event'],
    attempts: row.attempts as DeadLetter['attempts'],
    problem: row.problem,
    handler: row.handler,
    traceparent: event?.traceparent ?? null,
    firstFailedAt: row.first_failed_at.toISOString(),
    deadAt: row.dead_at.toISOString(),
    state: row.state,
    resolution: row.resolution,
  }
}

/** What is known of something that died and is no event. */
const remainsOf = ({ event_id, type, topic, dead_at, tenant_id }: store.DeadLetterRow) => ({
  specversion: '1.0',
  id: event_id,
  source: '',
  type,
  topic,
  time: dead_at.toISOString(),
  tenantid: tenant_id,
})
