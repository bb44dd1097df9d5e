import type { Clock, Context, Transaction } from '@soma/kernel'
import { type BuiltContext, type ContextInput, type Item, SECTIONS, type SectionKind } from '../../contract/index.ts'
import { findItems, type RecallDependencies } from '../items/recall.ts'
import { trustLevel } from '../items/trust.ts'
import type { MemoryDatabase } from '../scopes/memory-database.ts'
import { planKey } from '../scopes/scope-keys.ts'
import { listWorking } from '../working/store.ts'
import { createContextText, type Entry } from './context-text.ts'
import { readActiveProcedures, readSummaries } from './store.ts'

export interface ContextDependencies {
  readonly memory: MemoryDatabase
  readonly clock: Clock
  readonly settings: RecallDependencies['settings']
}

/** Of the budget, where the caller says nothing else. */
const SHARES: Readonly<Record<SectionKind, number>> = {
  procedures: 0.25,
  summary: 0.15,
  facts: 0.3,
  episodes: 0.2,
  working: 0.1,
}
/** What does not depend on the query stands first, so that a call after another begins with the same bytes (MEM-R56). */
const STABLE: readonly SectionKind[] = ['procedures', 'summary']
const MAX_HITS = 50
const MAX_WORKING = 100
const MAX_DROPPED = 100

/** What a model should know, cited and fenced, within a budget (MEM-R56, MEM-R57). */
export function createContextBuilder({ memory, clock, settings }: ContextDependencies) {
  return async (context: Context, body: ContextInput): Promise<BuiltContext> => {
    const sections = sectionsOf(body)
    const chosen = await memory.inScopes(context, [body.planId], async (tx) => {
      const entries = new Map<SectionKind, Entry[]>()
      for (const { kind } of sections) entries.set(kind, await read(tx, kind, body))
      return entries
    })
    const text = createContextText(body.budgetTokens)
    let granted = 0
    for (const { kind, share } of sections) {
      granted += share
      text.add(kind, chosen.get(kind) ?? [], Math.floor(body.budgetTokens * Math.min(1, granted)))
    }
    return { ...text.built(STABLE), dropped: text.dropped().slice(0, MAX_DROPPED), degraded: [] }
  }

  async function read(tx: Transaction, kind: SectionKind, body: ContextInput): Promise<Entry[]> {
    const trust = body.minTrust === undefined ? 0 : trustLevel(body.minTrust)
    if (kind === 'working') return readWorking(tx, body)
    if (kind === 'procedures') {
      const agents = body.agentId === undefined ? ['*'] : [body.agentId, '*']
      return (await readActiveProcedures(tx, agents, trust)).map(entryOf)
    }
    if (kind === 'summary')
      return (await readSummaries(tx, { trust, agentId: body.agentId, sessionId: body.sessionId })).map(entryOf)
    return recalled(tx, kind, body)
  }

  async function recalled(tx: Transaction, kind: 'facts' | 'episodes', body: ContextInput): Promise<Entry[]> {
    const ofEpisodes = kind === 'episodes' ? { agentId: body.agentId, sessionId: body.sessionId } : {}
    const filter = {
      ...{ query: body.query ?? '.', kinds: [kind === 'facts' ? ('fact' as const) : ('episode' as const)] },
      ...{ minTrust: body.minTrust, minRelevance: 0, limit: MAX_HITS, ...ofEpisodes },
    }
    const options = { scopeKeys: undefined, settings, nowMs: clock.now().getTime() }
    return (await findItems(tx, filter, options)).hits.map(({ item }) => entryOf(item))
  }
}

/** In their order; shares that are more than the whole are made smaller together. */
function sectionsOf({ sections }: ContextInput): { kind: SectionKind; share: number }[] {
  const wanted = sections ?? SECTIONS.map((kind) => ({ kind, share: undefined }))
  const shares = new Map(wanted.map(({ kind, share }) => [kind, share ?? SHARES[kind]]))
  const whole = Math.max(
    1,
    [...shares.values()].reduce((sum, share) => sum + share, 0),
  )
  return SECTIONS.filter((kind) => shares.has(kind)).map((kind) => ({
    kind,
    share: (shares.get(kind) as number) / whole,
  }))
}

const entryOf = (item: Item): Entry => ({
  itemId: item.id,
  trust: item.trust,
  about: [item.id, ...titleOf(item), `trust ${item.trust}`, sourceOf(item)].join(', '),
  text: item.content,
  language: item.language,
})

function titleOf(item: Item): string[] {
  if (item.kind === 'procedure') return [`${item.type} ${item.name}`, `when ${item.trigger}`]
  if (item.kind === 'episode') return [item.role, item.occurredAt]
  return item.subject === undefined ? [] : [`${item.subject} ${item.predicate}`]
}

const sourceOf = ({ source }: Item): string =>
  source === undefined ? 'source unknown' : `source ${source.kind} ${source.ref}`

async function readWorking(tx: Transaction, { planId }: ContextInput): Promise<Entry[]> {
  if (planId === undefined) return []
  const rows = await listWorking(tx, { scopeKey: planKey(planId), after: '', prefix: '', limit: MAX_WORKING })
  return rows.map(({ key, value, writer }) => ({
    ...{ workingKey: key, about: `working ${key}, written by ${writer}`, text: JSON.stringify(value), language: 'en' },
  }))
}
