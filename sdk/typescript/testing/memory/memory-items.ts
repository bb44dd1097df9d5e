import { createHash } from 'node:crypto'
import { commonProblems, type Json, newId } from '@soma/kernel'
import type {
  Episode,
  EpisodeInput,
  Fact,
  FactInput,
  Item,
  Link,
  Procedure,
  ProcedureInput,
  RecallHit,
  RecallInput,
  RememberItem,
  RememberResult,
} from '@soma/memory/contract'
import type { MemoryClock } from './memory-clock.ts'
import { wordsOf } from './memory-discovery.ts'
import type { MemoryWorking } from './memory-working.ts'

interface Stored {
  readonly item: Item
  readonly userId: string | undefined
}

const HIT_WEIGHT = 0.5
const EXCERPT = 600

/** Facts, episodes and links. A fact is found again by its external id, its slot or its content; what is recalled shares words with the query. */
export function createMemoryItems(clock: MemoryClock, working: MemoryWorking) {
  const stored = new Map<string, Stored>()
  const links = new Map<string, Link>()
  const mayRead = ({ item, userId }: Stored, reader: string | undefined): boolean =>
    item.scope.type !== 'user' || userId === reader
  const visible = (reader: string | undefined): Item[] =>
    [...stored.values()].filter((one) => mayRead(one, reader)).map(({ item }) => item)
  const get = (itemId: string, reader: string | undefined): Item => {
    const one = stored.get(itemId)
    if (one === undefined || !mayRead(one, reader)) throw commonProblems.notFound.create(`no item ${itemId}`)
    return one.item
  }
  const ownerOf = (userId: string | undefined) => `/${userId ?? 'test'}`

  function storeFact(input: FactInput, userId: string | undefined): Omit<RememberResult, 'index' | 'warnings'> {
    const key = keyOf(input)
    const current = visible(userId).filter(
      (item): item is Fact => item.kind === 'fact' && item.status === 'live' && item.validTo === undefined,
    )
    const old = current.find((fact) => sameScope(fact, input) && keyOf(fact) === key)
    if (old?.content === input.content)
      return { kind: 'fact', id: old.id, outcome: 'touched', version: old.version, replacedIds: [] }
    const fact = newFact(input, { clock, ownerId: ownerOf(userId), version: (old?.version ?? 0) + 1 })
    if (old !== undefined)
      stored.set(old.id, {
        userId,
        item: { ...old, validTo: fact.validFrom, closedAt: clock.iso(), replacedBy: fact.id },
      })
    stored.set(fact.id, { userId, item: fact })
    const replacedIds = old === undefined ? [] : [old.id]
    return {
      kind: 'fact',
      id: fact.id,
      outcome: old === undefined ? 'stored' : 'replaced',
      version: fact.version,
      replacedIds,
    }
  }
  function storeEpisode(input: EpisodeInput, userId: string | undefined): Omit<RememberResult, 'index' | 'warnings'> {
    const known = [...stored.values()].find(
      ({ item }) => item.kind === 'episode' && input.source.ref !== undefined && item.source?.ref === input.source.ref,
    )?.item
    const item = known ?? newEpisode(input, { clock, ownerId: ownerOf(userId), seq: stored.size + 1 })
    if (known === undefined) stored.set(item.id, { userId, item })
    const outcome = known === undefined ? 'stored' : 'touched'
    return { kind: 'episode', id: item.id, outcome, version: 1, replacedIds: [] }
  }
  function storeProcedure(
    input: ProcedureInput,
    userId: string | undefined,
  ): Omit<RememberResult, 'index' | 'warnings'> {
    const newest = visible(userId)
      .filter((item): item is Procedure => item.kind === 'procedure')
      .findLast(({ agentId, name }) => agentId === input.agentId && name === input.name)
    const isSame = newest?.content === input.content && newest.trigger === input.trigger
    const version = (newest?.version ?? 0) + (isSame ? 0 : 1)
    const item = isSame ? newest : newProcedure(input, { clock, ownerId: ownerOf(userId), version })
    if (!isSame) stored.set(item.id, { userId, item })
    return { kind: 'procedure', id: item.id, outcome: isSame ? 'touched' : 'stored', version, replacedIds: [] }
  }
  const store = (item: RememberItem, userId: string | undefined) => {
    if (item.kind === 'episode') return storeEpisode(item, userId)
    if (item.kind === 'procedure') return storeProcedure(item, userId)
    if (item.kind !== 'working') return storeFact(item, userId)
    const place = item.scope.type === 'plan' ? { scopeType: 'plan' as const, scopeId: item.scope.id } : USER
    const { version } = working.put({ ...place, userId }, item.key, { ...item, value: item.value as Json })
    return { kind: 'working' as const, outcome: 'stored' as const, version, replacedIds: [] }
  }

  return {
    get,
    /** In place of what has its id. */
    change<Changed extends Item>(item: Changed): Changed {
      const known = stored.get(item.id)
      if (known !== undefined) stored.set(item.id, { ...known, item })
      return item
    },
    list: (reader: string | undefined, kind: string | undefined): Item[] =>
      visible(reader)
        .filter((item) => kind === undefined || item.kind === kind)
        .toReversed(),
    remember: (items: readonly RememberItem[], userId: string | undefined) => ({
      results: items.map((item, index): RememberResult => ({ index, warnings: [], ...store(item, userId) })),
      durability: 'durable' as const,
    }),
    recall({ query, kinds, limit, minRelevance }: RecallInput, reader: string | undefined) {
      const terms = wordsOf(query)
      const hits = visible(reader)
        .filter((item) => kinds.includes(item.kind) && isCurrent(item))
        .map((item) => hitOf(item, terms))
        .filter(({ relevance }) => relevance > 0 && relevance >= minRelevance)
        .toSorted((left, right) => right.score - left.score || (left.item.id < right.item.id ? -1 : 1))
      return {
        hits: hits.slice(0, limit),
        degraded: [],
        isStale: false,
        understood: { terms, corrected: [] },
        tookMs: 0,
      }
    },
    forget(itemIds: readonly string[], reader: string | undefined) {
      for (const itemId of itemIds) {
        get(itemId, reader)
        stored.delete(itemId)
      }
      return { dryRun: false, counts: { items: itemIds.length }, itemIds: [...itemIds] }
    },
    link(
      body: Pick<Link, 'fromId' | 'relation' | 'toId'> & Partial<Pick<Link, 'strength' | 'properties'>>,
      reader: string | undefined,
    ): Link {
      const { scope, ownerId } = get(body.fromId, reader)
      get(body.toId, reader)
      const key = JSON.stringify([body.fromId, body.relation, body.toId])
      const known = links.get(key)
      const reinforced = known === undefined ? 1 : known.strength + (1 - known.strength) / 10
      const link: Link = {
        ...{ id: newId('link'), scope, ownerId, properties: {}, validFrom: clock.iso(), createdAt: clock.iso() },
        ...known,
        ...body,
        ...{ strength: body.strength ?? reinforced, updatedAt: clock.iso() },
      }
      links.set(key, link)
      return link
    },
  }
}

const isCurrent = (item: Item): boolean =>
  item.kind === 'fact' ? item.validTo === undefined : item.kind === 'episode' || item.status === 'active'

const USER = { scopeType: 'user', scopeId: 'me' } as const

const sameScope = (fact: Fact, { scope }: FactInput): boolean => JSON.stringify(fact.scope) === JSON.stringify(scope)

/** A slot that is not exclusive holds several values, so content tells them apart. */
const keyOf = ({ externalId, subject, predicate, exclusive, collection, content }: FactInput | Fact): string => {
  if (externalId !== undefined) return JSON.stringify(['external', externalId])
  if (subject !== undefined && exclusive) return JSON.stringify(['slot', subject, predicate])
  return JSON.stringify(['content', collection, content])
}

interface Making {
  readonly clock: MemoryClock
  readonly ownerId: string
}

const itemOf = (
  {
    scope,
    content,
    language,
    tags,
    metadata,
    importance,
    source,
    expiresAt,
  }: FactInput | EpisodeInput | ProcedureInput,
  { clock, ownerId }: Making,
) => ({
  ...{
    scope,
    ownerId,
    content,
    language,
    tags,
    metadata,
    importance,
    trust: 'normal' as const,
    recordedAt: clock.iso(),
  },
  contentHash: createHash('sha256').update(content).digest('hex'),
  source: { kind: source.kind ?? ('agent' as const), ref: source.ref ?? '' },
  ...(expiresAt === undefined ? {} : { expiresAt }),
})

function newFact(input: FactInput, making: Making & { version: number }): Fact {
  const { form, collection, externalId, subject, predicate, exclusive, confidence, validFrom, validTo } = input
  return {
    ...{ kind: 'fact', id: newId('fact'), ...itemOf(input, making), form, collection, status: 'live' },
    ...{ exclusive, confidence, validFrom: validFrom ?? making.clock.iso(), version: making.version },
    ...(externalId === undefined ? {} : { externalId }),
    ...(subject === undefined ? {} : { subject, predicate }),
    ...(validTo === undefined ? {} : { validTo }),
    updatedAt: making.clock.iso(),
  } as Fact
}

function newEpisode(input: EpisodeInput, making: Making & { seq: number }): Episode {
  const { agentId, sessionId, planId, taskId, role, occurredAt } = input
  return {
    ...{ kind: 'episode', id: newId('epi'), ...itemOf(input, making), agentId, role, seq: making.seq },
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(planId === undefined ? {} : { planId }),
    ...(taskId === undefined ? {} : { taskId }),
    occurredAt: occurredAt ?? making.clock.iso(),
  } as Episode
}

function newProcedure(input: ProcedureInput, making: Making & { version: number }): Procedure {
  const { agentId, name, type, trigger, parameters, trialShare } = input
  return {
    ...{ kind: 'procedure', id: newId('proc'), ...itemOf(input, making), agentId, name, version: making.version },
    ...{ type, trigger, status: 'draft', uses: 0, wins: 0, updatedAt: making.clock.iso() },
    ...(parameters === undefined ? {} : { parameters }),
    ...(trialShare === undefined ? {} : { trialShare }),
  } as Procedure
}

const LAYERS = { fact: 'semantic', episode: 'episodic', procedure: 'procedural' } as const

function hitOf(item: Item, terms: readonly string[]): RecallHit {
  const own = new Set(wordsOf(item.content))
  const relevance = terms.length === 0 ? 1 : terms.filter((term) => own.has(term)).length / terms.length
  return {
    ...{ item, score: relevance, relevance, ranks: {}, layer: LAYERS[item.kind] },
    parts: { lexical: relevance, salience: HIT_WEIGHT, confidence: 1, recency: 1 },
    excerpt: item.content.slice(0, EXCERPT),
  }
}
