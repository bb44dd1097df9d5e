import type { Clock, Context } from '@soma/kernel'
import type { RecallHit, RetrievedPassage, RetrieveInput } from '../../contract/index.ts'
import { findItems, type RecallDependencies } from '../items/recall.ts'
import { idOfItem, kindOfId, uuidOfItem } from '../items/item-ids.ts'
import { trustLevel, trustOfLevel } from '../items/trust.ts'
import { estimateTokens } from '../lexical/estimate-tokens.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { scopeKeyOf } from '../scopes/scope-keys.ts'
import { cutToTokens } from './cut-to-tokens.ts'
import { createDuplicateFinder } from './near-duplicates.ts'
import { readNext } from './store.ts'

export interface RetrieveDependencies {
  readonly memory: MemoryDatabase
  readonly clock: Clock
  readonly settings: RecallDependencies['settings'] & { readonly answerThreshold: number }
}

/** More than are wanted, since some repeat others or join them. */
const MORE = 3
const MAX_HITS = 50
/** A passage is not cut shorter than this. */
const SHORTEST_TOKENS = 16

/** Passages for an answer (MEM-R55). */
export function createRetrieve({ memory, clock, settings }: RetrieveDependencies) {
  return async (context: Context, body: RetrieveInput) => {
    const plans = (body.scopes ?? []).flatMap((scope) => (scope.type === 'plan' ? [scope.id] : []))
    const limit = Math.min(MAX_HITS, body.limit * MORE)
    const { hits, next } = await memory.inScopes(context, [body.planId, ...plans], async (tx) => {
      const scopeKeys = body.scopes?.map((scope) => scopeKeyOf(context, scope))
      const options = { scopeKeys, settings, nowMs: clock.now().getTime() }
      const found = await findItems(tx, { ...body, limit }, options)
      const uuids = found.hits.map(({ item }) => uuidOfItem(item.id))
      return { hits: found.hits, next: uuids.length < 2 ? [] : await readNext(tx, uuids) }
    })
    const bestRelevance = hits.reduce((best, { relevance }) => Math.max(best, relevance), 0)
    const isDuplicate = createDuplicateFinder()
    const own = hits.filter(({ item }) => !isDuplicate(item.content, item.language))
    const kindOf = new Map(own.map(({ item }) => [uuidOfItem(item.id), kindOfId(item.id)]))
    const followers = new Map(
      next.flatMap(({ from_id, to_id }) => {
        const [from, to] = [kindOf.get(from_id), kindOf.get(to_id)]
        return from === undefined || to === undefined ? [] : [[idOfItem(from, from_id), idOfItem(to, to_id)] as const]
      }),
    )
    return {
      passages: fitted(joined(own, followers), body),
      answerable: bestRelevance >= settings.answerThreshold && hits.length > 0,
      bestRelevance,
      degraded: [],
    }
  }
}

/** Hits that follow one another as one, in the order of their text, at the place of the best of them. */
export function joined(hits: readonly RecallHit[], followers: ReadonlyMap<string, string>): RecallHit[][] {
  const byId = new Map(hits.map((hit) => [hit.item.id, hit]))
  const before = new Map<string, string>()
  for (const [from, to] of followers) if (byId.has(from) && byId.has(to) && !before.has(to)) before.set(to, from)
  const taken = new Set<string>()
  return hits.flatMap((hit): RecallHit[][] => {
    if (taken.has(hit.item.id)) return []
    const chain = chainOf(hit.item.id, before, taken)
    return [chain.map((id) => byId.get(id) as RecallHit)]
  })
}

/** All that is joined to one item, from the first on. Links may run in a circle, and what is taken is not taken again. */
function chainOf(id: string, before: ReadonlyMap<string, string>, taken: Set<string>): string[] {
  const after = new Map([...before].map(([to, from]) => [from, to]))
  const chain = [id]
  taken.add(id)
  const walk = (by: ReadonlyMap<string, string>, add: (one: string) => void) => {
    for (let one = by.get(id); one !== undefined && !taken.has(one); one = by.get(one)) {
      taken.add(one)
      add(one)
    }
  }
  walk(before, (one) => chain.unshift(one))
  walk(after, (one) => chain.push(one))
  return chain
}

/** As many as fit, the last one cut where enough of it does. */
function fitted(groups: readonly RecallHit[][], { limit, budgetTokens }: RetrieveInput): RetrievedPassage[] {
  const passages: RetrievedPassage[] = []
  let left = budgetTokens
  for (const group of groups) {
    if (passages.length === limit || left < SHORTEST_TOKENS) break
    const text = cutToTokens(group.map(({ item }) => item.content).join('\n'), left)
    if (text === '') continue
    const tokens = estimateTokens(text)
    left -= tokens
    passages.push({ n: passages.length + 1, text, tokens, ...describe(group) })
  }
  return passages
}

function describe(group: readonly RecallHit[]): Omit<RetrievedPassage, 'n' | 'text' | 'tokens'> {
  const items = group.map(({ item }) => item)
  const [first] = items as [(typeof items)[0] & object]
  const { source } = first
  const validTo = first.kind === 'fact' ? first.validTo : undefined
  return {
    score: Math.max(...group.map(({ score }) => score)),
    itemIds: items.map(({ id }) => id),
    ...(source === undefined ? {} : { source }),
    trust: trustOfLevel(Math.min(...items.map(({ trust }) => trustLevel(trust)))),
    validFrom: first.kind === 'fact' ? first.validFrom : first.kind === 'episode' ? first.occurredAt : first.recordedAt,
    ...(validTo === undefined ? {} : { validTo }),
  }
}
