import {
  type Clock,
  type Context,
  commonProblems,
  decodeCursor,
  type EventEnvelope,
  encodeCursor,
  type ModuleDatabase,
  toId,
  uuidOf,
} from '@soma/kernel'
import type * as z from 'zod'
import { type deadLetterSchema, deadLetterDiscarded, deadLetterReplayed } from '../../contract/index.ts'
import { resolveTopic } from '../../contract/aliases.ts'
import { groupOf, wireGroup } from '../subscriptions/config.ts'
import * as store from './store.ts'

type DeadLetter = z.output<typeof deadLetterSchema>

interface Filters {
  readonly subscriptionId?: string | undefined
  readonly topic?: string | undefined
  readonly type?: string | undefined
  readonly code?: string | undefined
  readonly state?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export interface DeadLetterServiceOptions {
  readonly database: ModuleDatabase
  readonly clock: Clock
  /** Tells the dispatcher of this process after the commit. */
  readonly revived: (row: store.DeadLetterRow) => Promise<void>
  readonly discarded: (row: store.DeadLetterRow) => void
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
    replay: (context: Context, deliveryId: string, note: string) => replay(context, deliveryId, note, options),
    replayMany: (context: Context, wanted: { filter: Filters; note: string; max: number; dryRun: boolean }) =>
      replayMany(context, wanted, options),
    discard: (context: Context, deliveryId: string, note: string) => discard(context, deliveryId, note, options),
  }
}

/** To its own group alone, as a new delivery with the same id (EVT-R39). */
async function replay(
  context: Context,
  deliveryId: string,
  note: string,
  options: DeadLetterServiceOptions,
): Promise<DeadLetter> {
  const row = await options.database.transaction(context, async (tx) => {
    const current = required(await store.findDeadLetter(tx, uuidOf('dlv', deliveryId)), deliveryId)
    if (!current.grp.startsWith('sub:'))
      throw commonProblems.conflict.create(
        `${deliveryId} belongs to ${current.grp}; dead letters of modules are not replayed here`,
      )
    const resolved = requireOpen(
      await store.resolveDeadLetter(tx, current.delivery_id, {
        state: 'replaying',
        resolution: by(context, note, options),
      }),
      current,
    )
    await store.reviveDelivery(tx, resolved)
    tx.emit(
      deadLetterReplayed,
      { deliveryId, group: wireGroup(resolved.grp), note, byId: context.principal.id },
      { partitionKey: deliveryId },
    )
    return resolved
  })
  await options.revived(row)
  return toDeadLetter(row)
}

async function replayMany(
  context: Context,
  { filter, note, max, dryRun }: { filter: Filters; note: string; max: number; dryRun: boolean },
  options: DeadLetterServiceOptions,
): Promise<{ matched: number; replayed: number }> {
  const found = await options.database.transaction(context, (tx) =>
    store.listDeadLetters(tx, filterOf({ ...filter, state: 'open' }), { before: null, limit: max }),
  )
  const rows = found.filter(({ grp }) => grp.startsWith('sub:'))
  if (dryRun) return { matched: rows.length, replayed: 0 }
  let replayed = 0
  // Oldest first, so that the order inside a key is kept.
  for (const row of rows.toReversed()) {
    await replay(context, toId('dlv', row.delivery_id), note, options)
    replayed += 1
  }
  return { matched: rows.length, replayed }
}

async function discard(
  context: Context,
  deliveryId: string,
  note: string,
  options: DeadLetterServiceOptions,
): Promise<DeadLetter> {
  const row = await options.database.transaction(context, async (tx) => {
    const current = required(await store.findDeadLetter(tx, uuidOf('dlv', deliveryId)), deliveryId)
    const resolved = requireOpen(
      await store.resolveDeadLetter(tx, current.delivery_id, {
        state: 'discarded',
        resolution: by(context, note, options),
      }),
      current,
    )
    await store.dropBlockingRow(tx, resolved.delivery_id)
    tx.emit(
      deadLetterDiscarded,
      { deliveryId, group: wireGroup(resolved.grp), note, byId: context.principal.id },
      { partitionKey: deliveryId },
    )
    return resolved
  })
  options.discarded(row)
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

function requireOpen(row: store.DeadLetterRow | undefined, current: store.DeadLetterRow): store.DeadLetterRow {
  if (row === undefined)
    throw commonProblems.conflict.create(
      `the dead letter is ${current.state}; only open ones are replayed or discarded`,
    )
  return row
}

function filterOf({ subscriptionId, topic, type, code, state, from, to }: Filters): store.DeadLetterFilter {
  return {
    group: subscriptionId === undefined ? null : groupOf(uuidOf('sub', subscriptionId)),
    topic: topic === undefined ? null : (resolveTopic(topic)?.topics[0] ?? topic),
    type: type ?? null,
    code: code ?? null,
    state: state ?? null,
    from: from ?? null,
    to: to ?? null,
  }
}

function toDeadLetter(row: store.DeadLetterRow): DeadLetter {
  const event = JSON.parse(row.envelope) as EventEnvelope
  return {
    deliveryId: toId('dlv', row.delivery_id),
    group: wireGroup(row.grp),
    topic: row.topic,
    type: row.type,
    key: row.key,
    eventId: row.event_id,
    event: event as unknown as DeadLetter['event'],
    attempts: row.attempts as DeadLetter['attempts'],
    problem: row.problem,
    handler: row.handler,
    traceparent: event.traceparent ?? null,
    firstFailedAt: row.first_failed_at.toISOString(),
    deadAt: row.dead_at.toISOString(),
    state: row.state,
    resolution: row.resolution,
  }
}
