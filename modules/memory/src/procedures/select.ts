import { createHash } from 'node:crypto'
import { type Clock, type Context, type Transaction, uuidOf } from '@soma/kernel'
import type { Procedure, SelectedProcedure, SelectInput } from '../../contract/index.ts'
import { findItems, type RecallDependencies } from '../items/recall.ts'
import { readItems } from '../items/read-store.ts'
import { tokenize } from '../lexical/tokenize.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { readTaggedRules, readTrials } from './store.ts'

export interface SelectDependencies {
  readonly memory: MemoryDatabase
  readonly clock: Clock
  readonly settings: RecallDependencies['settings']
}

const MAX_RULES = 100

/** Rules that the context calls by tag, then the best of all kinds by words (MEM-R37). */
export function createSelect({ memory, clock, settings }: SelectDependencies) {
  return (context: Context, body: SelectInput): Promise<{ procedures: SelectedProcedure[] }> =>
    memory.inScopes(context, [body.planId], async (tx) => {
      const rules = (body.types ?? ['rule']).includes('rule') ? await matchingRules(tx, body) : []
      const known = new Set(rules.map(({ procedure }) => procedure.id))
      const limit = body.limit + known.size
      const filter = { query: body.context, kinds: ['procedure' as const], agentId: body.agentId, types: body.types }
      const nowMs = clock.now().getTime()
      const { hits } = await findItems(
        tx,
        { ...filter, minRelevance: 0, limit },
        { scopeKeys: undefined, settings, nowMs },
      )
      const ranked = hits.flatMap(({ item, score, relevance }): SelectedProcedure[] =>
        item.kind !== 'procedure' || known.has(item.id)
          ? []
          : [{ procedure: item, score, relevance, why: 'ranked', isTrial: false }],
      )
      return { procedures: await withTrials(tx, [...rules, ...ranked.slice(0, body.limit)], body.taskId) }
    })
}

/** A rule is called by a tag all of whose words are in the context. */
async function matchingRules(tx: Transaction, { agentId, context }: SelectInput): Promise<SelectedProcedure[]> {
  const said = new Set(tokenize(context, 'en'))
  const isCalled = (tag: string): boolean => {
    const words = tokenize(tag, 'en')
    return words.length > 0 && words.every((word) => said.has(word))
  }
  const called = (await readTaggedRules(tx, agentId)).filter(({ tags }) => tags.some(isCalled)).slice(0, MAX_RULES)
  const rows = await readProcedures(
    tx,
    called.map(({ id }) => id),
  )
  return rows.map((procedure) => ({ procedure, score: 1, relevance: 1, why: 'rule', isTrial: false }))
}

/** In place of some versions their drafts on trial: for their share of tasks, and for one task always the same (MEM-R38). */
async function withTrials(
  tx: Transaction,
  selected: readonly SelectedProcedure[],
  taskId: string | undefined,
): Promise<SelectedProcedure[]> {
  if (taskId === undefined || selected.length === 0) return [...selected]
  const uuid = ({ procedure }: SelectedProcedure) => uuidOf('proc', procedure.id)
  const trials = (await readTrials(tx, selected.map(uuid))).filter(
    ({ id, trial_share }) => placeOf(taskId, id) < trial_share,
  )
  const drafts = await readProcedures(
    tx,
    trials.map(({ id }) => id),
  )
  const draftOf = new Map(
    trials.map(({ active_id, id }) => [active_id, drafts.find((one) => uuidOf('proc', one.id) === id)]),
  )
  return selected.map((one) => {
    const draft = draftOf.get(uuid(one))
    return draft === undefined ? one : { ...one, procedure: draft, isTrial: true }
  })
}

/** Where a task falls between 0 and 1 for a draft: each draft draws its own tasks. */
const placeOf = (taskId: string, draftId: string): number =>
  createHash('sha256')
    .update(JSON.stringify([taskId, draftId]))
    .digest()
    .readUInt32BE(0) /
  2 ** 32

async function readProcedures(tx: Transaction, ids: readonly string[]): Promise<Procedure[]> {
  const items = await readItems(
    tx,
    ids.map((id) => ({ id, kind: 'procedure' as const })),
  )
  return ids.flatMap((id) => {
    const item = items.get(id)
    return item?.kind === 'procedure' ? [item] : []
  })
}
