import { type Client, isProblem, type JsonObject } from '@soma/kernel'
import type { Fact, memoryContract } from '@soma/memory/contract'
import type { Caller } from '../wire/route.ts'
import { documentOr, naiveTime } from './foreign-ids.ts'
import { ownedBy, scoresOf } from './item-answers.ts'
import type { KnowledgeCreate } from './item-dtos.ts'

/** A change that lost a race is done again on what the winner left. */
const ATTEMPTS = 5
const MAXIMUM_TAGS = 32
const MAXIMUM_TAG = 64

/** Semantic memory: facts, private to their user, or public to the whole tenant. */
export function createKnowledge({ facts, items }: Pick<Client<typeof memoryContract>, 'facts' | 'items'>) {
  /** What is the same is touched, which leaves its metadata: those of the last save count. */
  const withMetadata = async ({ context }: Caller, fact: Fact, metadata: JsonObject): Promise<Fact> => {
    const params = { factId: fact.id }
    for (let attempt = 1, known = fact; ; attempt++) {
      if (JSON.stringify(known.metadata) === JSON.stringify(metadata)) return known
      try {
        return (await facts.update(context, { params, ifMatch: known.version, body: { metadata } })).fact
      } catch (error) {
        if (!isProblem(error) || error.code !== 'version-conflict' || attempt === ATTEMPTS) throw error
        known = await facts.get(context, { params })
      }
    }
  }

  /** What was saved under this id with the other reach goes: private and public are one row. Of the public ones only the caller's own. */
  const dropOther = async (caller: Caller, externalId: string, scope: 'user' | 'tenant'): Promise<void> => {
    const query = { externalId, scope, status: 'live' as const, limit: 10 }
    const { items: others } = await facts.list(caller.context, { query })
    for (const other of others.filter((fact) => ownedBy(caller, fact).userId === caller.serviceUser))
      await facts.delete(caller.context, { params: { factId: other.id }, ifMatch: other.version })
  }

  const search = async (caller: Caller, asked: { query: string; limit: number; isPublicIncluded: boolean }) => {
    const { query, limit, isPublicIncluded } = asked
    const scopes = isPublicIncluded ? {} : { scopes: [{ type: 'user' as const }] }
    const { hits } = await items.recall(caller.context, { body: { query, limit, kinds: ['fact'], ...scopes } })
    const scores = scoresOf(hits)
    return hits.flatMap(({ item }, index) =>
      item.kind === 'fact' ? [viewOf(caller, item, scores[index] as number)] : [],
    )
  }

  return {
    store: async (caller: Caller, body: KnowledgeCreate) => {
      const { content, externalId, isPublic, tags, source } = body
      const metadata = { ...body.metadata, ...(tags ? { tags } : {}), ...(source ? { source } : {}) } as JsonObject
      const scope = { type: isPublic ? ('tenant' as const) : ('user' as const) }
      const fitting = (tags ?? []).filter((tag) => tag !== '' && tag.length <= MAXIMUM_TAG).slice(0, MAXIMUM_TAGS)
      const { fact } = await facts.create(caller.context, {
        body: {
          ...{ content, scope, metadata, tags: fitting },
          ...(externalId ? { externalId } : {}),
          ...(source ? { source: { ref: source } } : {}),
        },
      })
      const saved = await withMetadata(caller, fact, metadata)
      if (externalId) await dropOther(caller, externalId, isPublic ? 'user' : 'tenant')
      return viewOf(caller, saved, null)
    },
    search,
  }
}

function viewOf(caller: Caller, fact: Fact, score: number | null) {
  return {
    ...ownedBy(caller, fact),
    content: fact.content,
    externalId: fact.externalId ?? null,
    isPublic: fact.scope.type !== 'user',
    metadata: documentOr(fact.metadata, {}),
    updatedAt: naiveTime(new Date(fact.updatedAt)),
    score,
  }
}
