import type { Transaction } from '@soma/kernel'
import type { Item } from '../../contract/index.ts'
import { NOT_EXPIRED } from '../items/read-store.ts'
import {
  type EpisodeRow,
  type FactRow,
  type ProcedureRow,
  SELECT_EPISODE,
  SELECT_FACT,
  SELECT_PROCEDURE,
} from '../items/rows.ts'
import { viewEpisode, viewFact, viewProcedure } from '../items/views.ts'

const MAX_PROCEDURES = 100
const MAX_SUMMARIES = 20

// In an order that no query and no use changes, so that a context begins with the same bytes.
const PROCEDURES = `select page.* from unnest(memory.reads()) k(scope) cross join lateral (
    ${SELECT_PROCEDURE} and i.scope_key = k.scope and i.agent_id = any ($1) and i.status = 'active' and i.trust >= $2 ${NOT_EXPIRED}
    order by i.name, i.id limit ${MAX_PROCEDURES}) page
  order by array_position(array['system-prompt', 'rule', 'few-shot', 'skill'], type), name, id limit ${MAX_PROCEDURES}`

export const readActiveProcedures = async (
  tx: Transaction,
  agentIds: readonly string[],
  trust: number,
): Promise<Item[]> => (await tx.query<ProcedureRow>(PROCEDURES, [agentIds, trust])).map(viewProcedure)

const FACTS = `select page.* from unnest(memory.reads()) k(scope) cross join lateral (
    ${SELECT_FACT} and i.scope_key = k.scope and i.form = 'summary' and i.status = 'live' and i.trust >= $1 ${NOT_EXPIRED}
      and i.valid_from <= statement_timestamp() and (i.valid_to is null or i.valid_to > statement_timestamp())
    order by i.recorded_at desc, i.id desc limit ${MAX_SUMMARIES}) page
  order by recorded_at desc, id desc limit ${MAX_SUMMARIES}`

const EPISODES = `select page.* from unnest(memory.reads()) k(scope) cross join lateral (
    ${SELECT_EPISODE} and i.scope_key = k.scope and i.role = 'summary' and i.trust >= $1 ${NOT_EXPIRED}
      and ($2::text is null or i.agent_id = $2) and ($3::text is null or i.session_id = $3)
    order by i.occurred_at desc, i.seq desc limit ${MAX_SUMMARIES}) page
  order by occurred_at desc, seq desc limit ${MAX_SUMMARIES}`

/** The newest summaries. */
export async function readSummaries(
  tx: Transaction,
  of: { trust: number; agentId: string | undefined; sessionId: string | undefined },
): Promise<Item[]> {
  const facts = await tx.query<FactRow>(FACTS, [of.trust])
  const episodes = await tx.query<EpisodeRow>(EPISODES, [of.trust, of.agentId ?? null, of.sessionId ?? null])
  return [...facts.map(viewFact), ...episodes.map(viewEpisode)]
}

const NEXT = `select from_id, to_id from memory.links where tenant_id = memory.tenant() and relation = 'next' and valid_to is null
  and from_id = any ($1) and to_id = any ($1) order by from_id, to_id`

/** Which of these items another of them follows. */
export const readNext = (tx: Transaction, ids: readonly string[]): Promise<{ from_id: string; to_id: string }[]> =>
  tx.query(NEXT, [ids])
