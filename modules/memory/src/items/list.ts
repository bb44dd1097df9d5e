import { type Context, commonProblems, decodeCursor, toPage, type Transaction } from '@soma/kernel'
import type { Fact, Item, ItemKind } from '../../contract/index.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { historyOf } from '../facts/history-store.ts'
import { kindOfId, uuidOfItem } from './item-ids.ts'
import { listEpisodes, listFacts, listProcedures, type Place } from './list-store.ts'
import { findEpisode, findFact, findProcedure } from './read-store.ts'
import { viewEpisode, viewFact, viewProcedure } from './views.ts'

interface ListQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly kind?: ItemKind | undefined
  readonly scope?: string | undefined
  readonly planId?: string | undefined
  readonly status?: string | undefined
  readonly agentId?: string | undefined
  readonly sessionId?: string | undefined
  readonly tag?: string | undefined
  readonly sourceRef?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly collection?: string | undefined
  readonly externalId?: string | undefined
  readonly subject?: string | undefined
  readonly predicate?: string | undefined
}

/** Reads of items of all kinds together, by time and by id. */
export function createItemReads({ memory }: { memory: MemoryDatabase }) {
  return {
    list: (context: Context, query: ListQuery) =>
      memory.inScopes(context, [query.planId], async (tx) => {
        const items = await newest(tx, query)
        const key = (item: Item) => [timeOf(item), uuidOfItem(item.id)]
        return toPage(items, query.limit, { item: (item: Item) => item, key })
      }),
    get: (context: Context, itemId: string, planId: string | undefined): Promise<Item> =>
      memory.inScopes(context, [planId], (tx) => findItem(tx, itemId)),
    history: (
      context: Context,
      itemId: string,
      query: { limit: number; cursor?: string | undefined; planId?: string | undefined },
    ) =>
      memory.inScopes(context, [query.planId], async (tx) => {
        const place = decodeCursor(query.cursor, ['time', 'uuid'])
        const item = await findItem(tx, itemId)
        if (item.kind !== 'fact') return { items: place === undefined ? [item] : [], nextCursor: null }
        const rows = await historyOf(tx, uuidOfItem(item.id), { limit: query.limit + 1, place })
        return toPage(rows.map(viewFact), query.limit, {
          item: (fact: Fact): Item => fact,
          key: (fact) => [fact.recordedAt, uuidOfItem(fact.id)],
        })
      }),
  }
}

const timeOf = (item: Item): string => (item.kind === 'episode' ? item.occurredAt : item.recordedAt)

/** The newest of all kinds; what filters by a member of one kind leaves the other out. */
async function newest(tx: Transaction, query: ListQuery): Promise<Item[]> {
  const place: Place = decodeCursor(query.cursor, ['time', 'uuid'])
  const page = { limit: query.limit + 1, place }
  const common = {
    ...{ scopeTypes: query.scope === undefined ? null : [query.scope], tag: query.tag ?? null },
    ...{ sourceRef: query.sourceRef ?? null, from: query.from ?? null, to: query.to ?? null },
  }
  const isOfEpisodes = query.sessionId !== undefined
  const isOfFacts = query.status !== undefined
  const facts =
    (query.kind ?? 'fact') !== 'fact' || isOfEpisodes || query.agentId !== undefined
      ? []
      : await listFacts(tx, { ...common, ...slotFilter(query), status: query.status ?? null }, page)
  const episodes =
    (query.kind ?? 'episode') !== 'episode' || isOfFacts
      ? []
      : await listEpisodes(
          tx,
          { ...common, agentId: query.agentId ?? null, sessionId: query.sessionId ?? null, planId: null, role: null },
          { ...page, planScope: null },
        )
  const procedures =
    (query.kind ?? 'procedure') !== 'procedure' || isOfFacts || isOfEpisodes
      ? []
      : await listProcedures(
          tx,
          { ...common, agentId: query.agentId ?? null, name: null, type: null, status: null },
          page,
        )
  return [...facts.map(viewFact), ...episodes.map(viewEpisode), ...procedures.map(viewProcedure)]
    .toSorted(
      (left, right) => compare(timeOf(right), timeOf(left)) || compare(uuidOfItem(right.id), uuidOfItem(left.id)),
    )
    .slice(0, page.limit)
}

export const slotFilter = (query: ListQuery) => ({
  collection: query.collection ?? null,
  externalId: query.externalId ?? null,
  subject: query.subject ?? null,
  predicate: query.predicate ?? null,
})

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

/** @throws not-found, the same for another's, an erased one and one that never was */
export async function findItem(tx: Transaction, itemId: string): Promise<Item> {
  const id = uuidOfItem(itemId)
  const kind = kindOfId(itemId)
  if (kind === 'fact') {
    const row = await findFact(tx, id)
    if (row !== undefined) return viewFact(row)
  } else if (kind === 'episode') {
    const row = await findEpisode(tx, id)
    if (row !== undefined) return viewEpisode(row)
  } else {
    const row = await findProcedure(tx, id)
    if (row !== undefined) return viewProcedure(row)
  }
  throw commonProblems.notFound.create(`no item ${itemId}`)
}
