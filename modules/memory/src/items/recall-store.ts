import type { Transaction } from '@soma/kernel'
import type { Item, RecallInput } from '../../contract/index.ts'
import { NOT_EXPIRED } from './read-store.ts'
import {
  type EpisodeRow,
  type FactRow,
  type ProcedureRow,
  SELECT_EPISODE,
  SELECT_FACT,
  SELECT_PROCEDURE,
} from './rows.ts'
import type { Candidate } from './search-store.ts'
import { trustLevel } from './trust.ts'
import { viewEpisode, viewFact, viewProcedure } from './views.ts'

// Two clocks: what was believed at $2, and of that what held at $3. A fact that was closed after $2 was then still thought to hold.
const FACTS = `${SELECT_FACT} and i.id = any ($1) ${NOT_EXPIRED}
  and i.status in ('live', 'superseded') and (i.superseded_at is null or i.superseded_at > $2::timestamptz) and ($2 is null or i.recorded_at <= $2)
  and i.valid_from <= coalesce($3::timestamptz, $2, statement_timestamp())
  and (i.valid_to is null or i.closed_at > $2 or i.valid_to > coalesce($3, $2, statement_timestamp()))
  and ($4::text[] is null or i.collection = any ($4)) and ($5::text[] is null or i.tags @> $5) and i.trust >= $6
  and ($7::timestamptz is null or i.valid_from >= $7) and ($8::timestamptz is null or i.valid_from < $8)`

const EPISODES = `${SELECT_EPISODE} and i.id = any ($1) ${NOT_EXPIRED}
  and ($2::timestamptz is null or i.recorded_at <= $2) and ($3::text is null or i.agent_id = $3) and ($4::text is null or i.session_id = $4)
  and ($5::text[] is null or i.tags @> $5) and i.trust >= $6
  and ($7::timestamptz is null or i.occurred_at >= $7) and ($8::timestamptz is null or i.occurred_at < $8)`

const PROCEDURES = `${SELECT_PROCEDURE} and i.id = any ($1) ${NOT_EXPIRED} and i.status = 'active'
  and ($2::timestamptz is null or i.recorded_at <= $2) and ($3::text is null or i.agent_id in ($3, '*')) and ($4::text[] is null or i.type = any ($4))
  and ($5::text[] is null or i.tags @> $5) and i.trust >= $6
  and ($7::timestamptz is null or i.recorded_at >= $7) and ($8::timestamptz is null or i.recorded_at < $8)`

/** What a recall filters by; of procedures by their type too. */
export type ItemFilter = Omit<RecallInput, 'minRelevance' | 'limit'> & {
  readonly types?: readonly string[] | undefined
}

/** Those of the candidates that the caller may read and that fit the filters, read under the policies of their tables. */
export async function readMatching(
  tx: Transaction,
  candidates: readonly Candidate[],
  body: ItemFilter,
): Promise<Map<string, Item>> {
  const ids = (kind: Candidate['kind']) => candidates.filter((candidate) => candidate.kind === kind).map(({ id }) => id)
  const [facts, episodes, procedures] = [ids('fact'), ids('episode'), ids('procedure')]
  const trust = body.minTrust === undefined ? 0 : trustLevel(body.minTrust)
  const common = [body.tags ?? null, trust, body.from ?? null, body.to ?? null]
  const found = new Map<string, Item>()
  if (facts.length > 0) {
    const rows = await tx.query<FactRow>(FACTS, [
      facts,
      body.asOf ?? null,
      body.validAt ?? null,
      body.collections ?? null,
      ...common,
    ])
    for (const row of rows) found.set(row.id, viewFact(row))
  }
  if (episodes.length > 0) {
    const rows = await tx.query<EpisodeRow>(EPISODES, [
      episodes,
      body.asOf ?? null,
      body.agentId ?? null,
      body.sessionId ?? null,
      ...common,
    ])
    for (const row of rows) found.set(row.id, viewEpisode(row))
  }
  if (procedures.length > 0) {
    const rows = await tx.query<ProcedureRow>(PROCEDURES, [
      procedures,
      body.asOf ?? null,
      body.agentId ?? null,
      body.types ?? null,
      ...common,
    ])
    for (const row of rows) found.set(row.id, viewProcedure(row))
  }
  return found
}
