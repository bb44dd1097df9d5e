import type { SqlSession } from '@soma/kernel'
import { type AgentDoc, takenBy } from './agents.ts'
import type { GateChange } from './gates.ts'

/** What the fact does not say stays; the order of opening and deciding does not matter. */
export async function saveGate(tx: SqlSession, gate: GateChange): Promise<void> {
  await tx.execute(
    `insert into tracker.gates as g (tenant_id, id, deciders, due_at, outcome, plan_id, space_id, user_id) values (current_setting('soma.tenant_id'), $1, coalesce($2::text[], '{}'), $3, $4, $5, $6, $7)
     on conflict (tenant_id, id) do update set deciders = coalesce($2::text[], g.deciders), due_at = coalesce($3, g.due_at), outcome = coalesce($4, g.outcome),
       plan_id = coalesce($5, g.plan_id), space_id = coalesce(nullif($6, ''), g.space_id), user_id = coalesce($7, g.user_id)`,
    [
      gate.id,
      gate.deciders ?? null,
      gate.dueAt ?? null,
      gate.outcome ?? null,
      gate.planId ?? null,
      gate.spaceId,
      gate.userId ?? null,
    ],
  )
}

interface KnownAgent {
  name: string
  /** Of the last fact that was applied. */
  sequence: string
  doc: AgentDoc
}

export async function lockAgent(tx: SqlSession, id: string): Promise<KnownAgent | undefined> {
  const [row] = await tx.query<KnownAgent>(
    'select a.name, a.sequence, a.doc from tracker.agents a where a.id = $1 for update',
    [id],
  )
  return row
}

export async function saveAgent(tx: SqlSession, agent: { id: string; spaceId: string } & KnownAgent): Promise<void> {
  await tx.execute(
    `insert into tracker.agents (tenant_id, id, space_id, name, takes, doc, sequence) values (current_setting('soma.tenant_id'), $1, $2, $3, $4, $5::jsonb, $6)
     on conflict (tenant_id, id) do update set name = excluded.name, takes = excluded.takes, doc = excluded.doc, sequence = excluded.sequence`,
    [agent.id, agent.spaceId, agent.name, takenBy(agent.doc), JSON.stringify(agent.doc), agent.sequence],
  )
}

export interface TakerRecord {
  name: string
  space_id: string
  takes: string[]
  last_taken: AgentDoc['lastTaken']
}

/** Agents that take one of these now, or did. */
export function listTakers(tx: SqlSession, wanted: readonly string[]): Promise<TakerRecord[]> {
  return tx.query<TakerRecord>(
    `select a.name, a.space_id, a.takes, a.doc -> 'lastTaken' as last_taken from tracker.agents a
     where a.takes && $1::text[] or a.doc -> 'lastTaken' ?| $1::text[] order by a.name`,
    [wanted],
  )
}
