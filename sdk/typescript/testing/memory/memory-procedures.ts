import { commonProblems } from '@soma/kernel'
import type { Procedure, SelectedProcedure, SelectInput } from '@soma/memory/contract'
import type { MemoryClock } from './memory-clock.ts'
import { wordsOf } from './memory-discovery.ts'
import type { createMemoryItems } from './memory-items.ts'

/** Versions of procedures: what is active is chosen by the words that it shares with a context. Trials are not played. */
export function createMemoryProcedures(clock: MemoryClock, items: ReturnType<typeof createMemoryItems>) {
  const find = (procedureId: string, reader: string | undefined): Procedure => {
    const item = items.get(procedureId, reader)
    if (item.kind !== 'procedure') throw commonProblems.notFound.create(`no item ${procedureId}`)
    return item
  }
  const all = (reader: string | undefined) =>
    items.list(reader, 'procedure').filter((item): item is Procedure => item.kind === 'procedure')
  const isSame = (one: Procedure, other: Procedure) =>
    one.agentId === other.agentId &&
    one.name === other.name &&
    JSON.stringify(one.scope) === JSON.stringify(other.scope)

  return {
    get: find,
    list: all,
    activate(procedureId: string, reader: string | undefined): Procedure {
      const procedure = find(procedureId, reader)
      for (const other of all(reader))
        if (other.status === 'active' && isSame(other, procedure)) items.change({ ...other, status: 'retired' })
      return items.change({ ...procedure, status: 'active', approvedBy: 'test', activatedAt: clock.iso() })
    },
    retire: (procedureId: string, reader: string | undefined): Procedure =>
      items.change({ ...find(procedureId, reader), status: 'retired' }),
    select(
      { agentId, context, types, limit }: SelectInput,
      reader: string | undefined,
    ): { procedures: SelectedProcedure[] } {
      const terms = wordsOf(context)
      const relevanceOf = ({ name, trigger, content }: Procedure): number => {
        const own = new Set(wordsOf(`${name} ${trigger} ${content}`))
        return terms.length === 0 ? 1 : terms.filter((term) => own.has(term)).length / terms.length
      }
      const procedures = all(reader)
        .filter(({ status, ...one }) => status === 'active' && [agentId, '*'].includes(one.agentId))
        .filter(({ type }) => types === undefined || types.includes(type))
        .map((procedure) => ({ procedure, relevance: relevanceOf(procedure), why: 'ranked' as const, isTrial: false }))
        .filter(({ relevance }) => relevance > 0)
        .toSorted((left, right) => right.relevance - left.relevance)
        .slice(0, limit)
      return { procedures: procedures.map((one) => ({ ...one, score: one.relevance })) }
    },
    tell({ itemIds, outcome }: { itemIds: readonly string[]; outcome: string }, reader: string | undefined): undefined {
      for (const procedure of itemIds.map((id) => find(id, reader)))
        items.change({ ...procedure, uses: procedure.uses + 1, wins: procedure.wins + (outcome === 'useful' ? 1 : 0) })
      return undefined
    },
  }
}
