import type { BuiltContext, ContextInput, Item, RetrieveInput } from '@soma/memory/contract'
import type { createMemoryItems } from './memory-items.ts'
import type { createMemoryProcedures } from './memory-procedures.ts'

const CHARACTERS_PER_TOKEN = 4

/** Passages and contexts of what recall finds, without joining, fences or cuts: what does not fit is left out. */
export function createMemoryPassages(
  items: ReturnType<typeof createMemoryItems>,
  procedures: ReturnType<typeof createMemoryProcedures>,
) {
  const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / CHARACTERS_PER_TOKEN)
  const fitting = (found: readonly Item[], budget: number): Item[] => {
    let left = budget
    return found.filter(({ content }) => {
      const tokens = tokensOf(`[1] ${content}\n`)
      if (tokens > left) return false
      left -= tokens
      return true
    })
  }
  return {
    retrieve(body: RetrieveInput, reader: string | undefined) {
      const { hits } = items.recall(body, reader)
      const fits = new Set(
        fitting(
          hits.map(({ item }) => item),
          body.budgetTokens,
        ),
      )
      const passages = hits
        .filter(({ item }) => fits.has(item))
        .map(({ item, score }, index) => ({
          ...{ n: index + 1, text: item.content, tokens: tokensOf(item.content), score, itemIds: [item.id] },
          ...(item.source === undefined ? {} : { source: item.source }),
          ...{ trust: item.trust, validFrom: item.kind === 'fact' ? item.validFrom : item.recordedAt },
        }))
      const bestRelevance = hits[0]?.relevance ?? 0
      return { passages, answerable: bestRelevance >= 0.2, bestRelevance, degraded: [] }
    },
    build({ budgetTokens, query, agentId }: ContextInput, reader: string | undefined): BuiltContext {
      const isFound = (item: Item): boolean =>
        query === undefined ||
        items.recall({ ...RECALL, query, kinds: [item.kind] }, reader).hits.some((hit) => hit.item.id === item.id)
      const active = procedures
        .list(reader)
        .filter((one) => one.status === 'active' && [agentId, '*'].includes(one.agentId))
      const found = [
        ...active,
        ...items.list(reader, 'fact').filter(isFound),
        ...items.list(reader, 'episode').filter(isFound),
      ]
      const inIt = fitting(found, budgetTokens)
      const text = inIt.map(({ content }, index) => `[${index + 1}] ${content}`).join('\n')
      const kinds = { procedure: 'procedures', fact: 'facts', episode: 'episodes' } as const
      const blocks = (['procedure', 'fact', 'episode'] as const).flatMap((kind) => {
        const own = inIt.filter((item) => item.kind === kind)
        const ofKind = own.map(({ content }) => content).join('\n')
        return own.length === 0
          ? []
          : [{ kind: kinds[kind], text: ofKind, tokens: tokensOf(ofKind), itemIds: own.map(({ id }) => id) }]
      })
      return {
        ...{ blocks, text, tokens: tokensOf(text), stableTokens: 0, dropped: [], degraded: [] },
        citations: inIt.map(({ id, trust }, index) => ({ n: index + 1, itemId: id, trust })),
        ...(inIt.length === 0 ? {} : { minTrust: 'normal' as const }),
      }
    },
  }
}

const RECALL = { limit: 50, minRelevance: 0 }
