import { toId, type Transaction } from '@soma/kernel'
import { type FactInput, type ItemKind, memoryWritten, type RememberResult } from '../../contract/index.ts'
import { type PreparedProcedure, storeProcedure } from '../procedures/store.ts'
import { type PreparedEpisode, storeEpisode } from '../episodes/store.ts'
import { type PreparedFact, type StoredFact, storeFact } from '../facts/store.ts'
import { insertLink } from '../links/store.ts'
import { scopeOfKey } from '../scopes/scope-keys.ts'
import type { PreparedItem } from './prepare.ts'
import { createSources } from './sources-store.ts'
import { trustOfLevel } from './trust.ts'

/** What became of a fact or an episode. */
export type WrittenItem = Omit<RememberResult, 'index' | 'id'> & { readonly id: string }

/** Writes items in the caller's transaction: row, words, source and event of each. */
export function createItemWriter(tx: Transaction) {
  const ensureSource = createSources(tx)
  return {
    /** `before`: what it follows though it has not its key. */
    fact: async (fact: PreparedFact, before?: { id: string; version: number }): Promise<WrittenItem> => {
      const stored = await storeFact(tx, fact, { sourceId: await ensureSource(fact), version: before?.version ?? 0 })
      if (stored.is_new && stored.rival_id !== null)
        await insertLink(tx, {
          ...{ id: fact.linkId, scopeKey: fact.scopeKey, ownerId: fact.ownerId },
          ...{ fromId: fact.id, relation: 'contradicts', toId: stored.rival_id, strength: 1, properties: {} },
        })
      const replaced = before === undefined ? stored.replaced : [...stored.replaced, before.id]
      const replacedIds = replaced.map((id) => toId('fact', id))
      const result = { kind: 'fact' as const, id: toId('fact', stored.id), version: stored.version, replacedIds }
      const outcome = outcomeOf(stored, replacedIds.length > 0)
      emitWritten(tx, fact, { ...result, outcome, status: stored.status, form: fact.input.form })
      return { ...result, outcome, warnings: [...fact.warnings] }
    },
    episode: async (episode: PreparedEpisode): Promise<WrittenItem> => {
      const stored = await storeEpisode(tx, episode, await ensureSource(episode))
      const outcome = stored.is_new ? ('stored' as const) : ('touched' as const)
      const result = { kind: 'episode' as const, id: toId('epi', stored.id), outcome, version: 1, replacedIds: [] }
      emitWritten(tx, episode, { ...result, status: 'live' })
      return { ...result, warnings: [...episode.warnings] }
    },
    procedure: async (procedure: PreparedProcedure): Promise<WrittenItem> => {
      const stored = await storeProcedure(tx, procedure, await ensureSource(procedure))
      const outcome = stored.is_new ? ('stored' as const) : ('touched' as const)
      const result = { id: toId('proc', stored.id), outcome, version: stored.version, replacedIds: [] }
      emitWritten(tx, procedure, { kind: 'procedure', ...result, status: stored.status })
      return { kind: 'procedure', ...result, warnings: [...procedure.warnings] }
    },
  }
}

export type ItemWriter = ReturnType<typeof createItemWriter>

function outcomeOf(stored: StoredFact, replaces: boolean): Written['outcome'] {
  if (!stored.is_new) return 'touched'
  if (stored.status === 'disputed') return 'disputed'
  return replaces ? 'replaced' : 'stored'
}

interface Written {
  readonly kind: ItemKind
  readonly id: string
  readonly outcome: 'stored' | 'touched' | 'replaced' | 'disputed'
  readonly version: number
  readonly replacedIds: readonly string[]
  readonly status: string
  readonly form?: FactInput['form']
}

function emitWritten(tx: Transaction, item: PreparedItem, { id, ...written }: Written): void {
  const scope = scopeOfKey(item.scopeKey)
  tx.emit(
    memoryWritten,
    {
      itemId: id,
      scope,
      ...written,
      replacedIds: [...written.replacedIds],
      contentHash: Buffer.from(item.contentHash).toString('hex'),
      sourceKind: item.provenance.kind,
      sourceRef: item.provenance.ref,
      trust: trustOfLevel(item.provenance.trust),
      bytes: item.bytes,
    },
    { partitionKey: item.scopeKey, ...(scope.type === 'plan' ? { planId: scope.id } : {}) },
  )
}
