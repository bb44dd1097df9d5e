import { type Clock, type SqlSession, toId } from '@soma/kernel'
import type { Gate } from '../../contract/index.ts'
import { type GateRow, listVotes, type VoteRow } from './store.ts'

/** Rows as the contract shows them. */
export async function viewGates(tx: SqlSession, rows: readonly GateRow[], clock: Clock): Promise<Gate[]> {
  if (rows.length === 0) return []
  const votes = await listVotes(
    tx,
    rows.map(({ id }) => id),
  )
  const byGate = new Map<string, VoteRow[]>()
  for (const vote of votes) byGate.set(vote.gate_id, [...(byGate.get(vote.gate_id) ?? []), vote])
  return rows.map((row) => viewGate(row, byGate.get(row.id) ?? [], clock.now()))
}

export const viewGate = (row: GateRow, votes: readonly VoteRow[], now: Date): Gate => ({
  gateId: toId('gate', row.id),
  kind: row.kind,
  title: row.title,
  status: row.status,
  outcome: row.outcome,
  subject: row.subject,
  requirements: row.requirements,
  rejectPolicy: row.reject_policy,
  payload: JSON.parse(row.payload),
  payloadHash: row.payload_hash,
  edited: row.payload_hash !== row.original_hash,
  editSchema: row.edit_schema === null ? null : JSON.parse(row.edit_schema),
  evidence: JSON.parse(row.evidence),
  requesterId: row.requester_id,
  round: row.round,
  maxRevisions: row.max_revisions,
  instructions: row.instructions,
  openedAt: row.opened_at.toISOString(),
  dueAt: row.due_at.toISOString(),
  timeLeftMs: row.status === 'open' ? Math.max(0, row.due_at.getTime() - now.getTime()) : 0,
  onExpire: row.on_expire,
  escalation: row.escalation,
  escalated: row.escalated,
  decidedAt: row.decided_at?.toISOString() ?? null,
  decidedBy: row.decided_by,
  votes: votes.map(viewVote),
  comments: row.comments,
})

const viewVote = (vote: VoteRow): Gate['votes'][number] => ({
  principalId: vote.principal_id,
  decision: vote.decision,
  reason: vote.reason,
  payloadHash: vote.payload_hash,
  round: vote.round,
  at: vote.at.toISOString(),
  ...(vote.edits === null ? {} : { edits: JSON.parse(vote.edits) }),
})
