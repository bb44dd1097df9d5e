import type { SqlSession, Transaction } from '@soma/kernel'
import type { Decider, GateDecision, GateOutcome, OpenGate, Requirement } from '../../contract/index.ts'

export interface GateRow {
  readonly id: string
  readonly change_seq: number
  readonly open_digest: string
  readonly kind: OpenGate['kind']
  readonly title: string
  readonly status: 'open' | GateOutcome
  readonly outcome: GateOutcome | null
  readonly subject: OpenGate['subject']
  readonly requirements: Requirement[]
  readonly reject_policy: OpenGate['rejectPolicy']
  readonly payload: string
  readonly payload_hash: string
  readonly original_hash: string
  readonly edit_schema: string | null
  readonly evidence: string
  readonly requester_id: string
  readonly round: number
  readonly max_revisions: number
  readonly instructions: string | null
  readonly opened_at: Date
  readonly due_at: Date
  readonly on_expire: OpenGate['onExpire']
  readonly escalation: OpenGate['escalation']
  readonly escalated: number
  readonly decided_at: Date | null
  readonly decided_by: string[]
  readonly comments: { principalId: string; text: string; at: string }[]
  /** True once `due_at` has passed by the database's clock. */
  readonly is_due: boolean
}

export interface VoteRow {
  readonly gate_id: string
  readonly principal_id: string
  readonly round: number
  readonly decision: GateDecision
  readonly reason: string
  readonly payload_hash: string
  readonly edits: string | null
  readonly roles: string[]
  readonly is_human: boolean
  readonly at: Date
}

const COLUMNS = `id, change_seq, open_digest, kind, title, status, outcome, subject, requirements, reject_policy, payload, payload_hash, original_hash, edit_schema,
  evidence, requester_id, round, max_revisions, instructions, opened_at, due_at, on_expire, escalation, escalated, decided_at, decided_by, comments,
  due_at <= clock_timestamp() as is_due`
const NOW = `date_trunc('milliseconds', clock_timestamp())`
const TENANT = `current_setting('soma.tenant_id')`

/** The next number of the tenant's changes. Locks the counter until the commit. */
async function nextSeq(tx: SqlSession): Promise<number> {
  const [row] = await tx.query<{ seq: number }>(
    `insert into governance.gate_counters as c (tenant_id, seq) values (${TENANT}, 1) on conflict (tenant_id) do update set seq = c.seq + 1 returning seq`,
  )
  return (row as { seq: number }).seq
}

export interface NewGate {
  readonly id: string
  readonly digest: string
  readonly body: OpenGate
  readonly payload: string
  readonly payloadHash: string
  readonly requesterId: string
  readonly defaultDueMs: number
}

/** False when a gate of that id exists already. */
export async function insertGate(
  tx: Transaction,
  { id, digest, body, payload, payloadHash, requesterId, defaultDueMs }: NewGate,
): Promise<boolean> {
  const changed = await tx.execute(
    `insert into governance.gates (tenant_id, id, change_seq, open_digest, kind, title, subject, plan_id, task_id, requirements, reject_policy,
       decider_roles, decider_principals, anyone, payload, payload_hash, original_hash, edit_schema, evidence, requester_id, max_revisions, opened_at, due_at, on_expire, escalation)
     select ${TENANT}, $1::uuid, $2, $3, $4, $5, $6::jsonb, $7, $8, $9::jsonb, $10, $11::jsonb, $12::jsonb, $13, $14, $15, $15, $16, $17, $18, $19::int4, t.now,
       coalesce($20::timestamptz, t.now + make_interval(secs => $21::float8 / 1000)), $22, $23::jsonb
     from (select ${NOW} as now) t on conflict do nothing`,
    [
      id,
      await nextSeq(tx),
      digest,
      body.kind,
      body.title,
      JSON.stringify(body.subject),
      body.subject.planId ?? null,
      body.subject.taskId ?? null,
      JSON.stringify(body.requirements),
      body.rejectPolicy,
      ...deciderColumns(body.requirements.flatMap(({ deciders }) => deciders)),
      body.requirements.some(({ deciders }) => deciders.length === 0),
      payload,
      payloadHash,
      body.editSchema === undefined ? null : JSON.stringify(body.editSchema),
      JSON.stringify(body.evidence),
      requesterId,
      body.maxRevisions,
      body.dueAt ?? null,
      defaultDueMs,
      body.onExpire,
      JSON.stringify(body.escalation),
    ],
  )
  return changed === 1
}

const deciderColumns = (deciders: readonly Decider[]): [string, string] => [
  JSON.stringify(deciders.flatMap((decider) => ('role' in decider ? [decider.role] : []))),
  JSON.stringify(deciders.flatMap((decider) => ('principal' in decider ? [decider.principal] : []))),
]

export async function findGate(tx: SqlSession, id: string): Promise<GateRow | undefined> {
  return (await tx.query<GateRow>(`select ${COLUMNS} from governance.gates where id = $1::uuid`, [id]))[0]
}

/** Waits until no other vote at this gate is under way. */
export async function lockGate(tx: SqlSession, id: string): Promise<GateRow | undefined> {
  return (await tx.query<GateRow>(`select ${COLUMNS} from governance.gates where id = $1::uuid for update`, [id]))[0]
}

/** The open gates of a plan, oldest first, each locked. */
export const lockOpenGatesOf = (tx: SqlSession, planId: string): Promise<GateRow[]> =>
  tx.query(
    `select ${COLUMNS} from governance.gates where plan_id = $1 and status = 'open' order by opened_at, id for update`,
    [planId],
  )

export interface GateFilter {
  readonly limit: number
  readonly status?: string | undefined
  readonly kind?: string | undefined
  readonly planId?: string | undefined
  /** Only open gates at which this principal may vote. */
  readonly voter?: { readonly principalId: string; readonly roles: readonly string[] } | undefined
  readonly before?: readonly [string, string] | undefined
}

/** The same rule as `meets` for the requester's own vote: one requirement that lets it vote must also name it. */
const REQUESTER_MAY_VOTE = `exists (select from jsonb_array_elements(requirements) r where not (r ->> 'excludeRequester')::boolean
  and (jsonb_array_length(r -> 'deciders') = 0 or r -> 'deciders' @> jsonb_build_array(jsonb_build_object('principal', $4::text))
    or exists (select from jsonb_array_elements(r -> 'deciders') d where $5::jsonb ? (d ->> 'role'))))`

export const listGates = (
  tx: SqlSession,
  { limit, status, kind, planId, voter, before }: GateFilter,
): Promise<GateRow[]> =>
  tx.query<GateRow>(
    `select ${COLUMNS} from governance.gates
     where ($1::text is null or status = $1) and ($2::text is null or kind = $2) and ($3::text is null or plan_id = $3)
       and ($4::text is null or (status = 'open' and (anyone or decider_principals ? $4 or decider_roles ?| array(select jsonb_array_elements_text($5::jsonb)))
         and (requester_id <> $4 or ${REQUESTER_MAY_VOTE})))
       and ($6::timestamptz is null or (opened_at, id) < ($6::timestamptz, $7::uuid))
     order by opened_at desc, id desc limit $8`,
    [
      status ?? null,
      kind ?? null,
      planId ?? null,
      voter?.principalId ?? null,
      JSON.stringify(voter?.roles ?? []),
      before?.[0] ?? null,
      before?.[1] ?? null,
      limit,
    ],
  )

/** Gates changed after a number, in order; from 0, all open ones. */
export const listChanges = (
  tx: SqlSession,
  { after, planId, limit }: { after: number; planId?: string | undefined; limit: number },
): Promise<GateRow[]> =>
  tx.query<GateRow>(
    `select ${COLUMNS} from governance.gates where change_seq > $1 and ($1 > 0 or status = 'open') and ($2::text is null or plan_id = $2) order by change_seq limit $3`,
    [after, planId ?? null, limit],
  )

export const listVotes = (tx: SqlSession, gateIds: readonly string[]): Promise<VoteRow[]> =>
  tx.query<VoteRow>(
    `select gate_id, principal_id, round, decision, reason, payload_hash, edits, roles, is_human, at from governance.votes
     where gate_id in (select jsonb_array_elements_text($1::jsonb)::uuid) order by at, principal_id`,
    [JSON.stringify(gateIds)],
  )

export type NewVote = Omit<VoteRow, 'at'>

export const putVote = (tx: SqlSession, vote: NewVote): Promise<number> =>
  tx.execute(
    `insert into governance.votes (tenant_id, gate_id, principal_id, round, decision, reason, payload_hash, edits, roles, is_human, at)
     values (${TENANT}, $1::uuid, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, ${NOW})
     on conflict (tenant_id, gate_id, principal_id, round) do update
       set decision = excluded.decision, reason = excluded.reason, payload_hash = excluded.payload_hash, edits = coalesce(excluded.edits, votes.edits),
           roles = excluded.roles, is_human = excluded.is_human, at = excluded.at`,
    [
      vote.gate_id,
      vote.principal_id,
      vote.round,
      vote.decision,
      vote.reason,
      vote.payload_hash,
      vote.edits,
      JSON.stringify(vote.roles),
      vote.is_human,
    ],
  )

export async function touchGate(tx: SqlSession, id: string): Promise<void> {
  await tx.execute('update governance.gates set change_seq = $2 where id = $1::uuid', [id, await nextSeq(tx)])
}

export const replacePayload = (
  tx: SqlSession,
  id: string,
  changed: { payload: string; payloadHash: string; round: number },
): Promise<number> =>
  tx.execute('update governance.gates set payload = $2, payload_hash = $3, round = $4 where id = $1::uuid', [
    id,
    changed.payload,
    changed.payloadHash,
    changed.round,
  ])

export const closeGate = (
  tx: SqlSession,
  id: string,
  end: { outcome: GateOutcome; decidedBy: readonly string[]; instructions: string | null },
): Promise<number> =>
  tx.execute(
    `update governance.gates set status = $2, outcome = $2, decided_at = ${NOW}, decided_by = $3::jsonb, instructions = coalesce($4, instructions) where id = $1::uuid and status = 'open'`,
    [id, end.outcome, JSON.stringify(end.decidedBy), end.instructions],
  )

/** Replaces the deciders of every requirement and starts a new time. Votes stay: a new decider adds to them. */
export const escalateGate = (
  tx: SqlSession,
  id: string,
  step: { requirements: readonly Requirement[]; dueInMs: number },
): Promise<number> => {
  const deciders = step.requirements.flatMap((requirement) => requirement.deciders)
  return tx.execute(
    `update governance.gates set requirements = $2::jsonb, decider_roles = $3::jsonb, decider_principals = $4::jsonb, anyone = $5,
       due_at = ${NOW} + make_interval(secs => $6::float8 / 1000), escalated = escalated + 1 where id = $1::uuid`,
    [id, JSON.stringify(step.requirements), ...deciderColumns(deciders), deciders.length === 0, step.dueInMs],
  )
}

export const addComment = (
  tx: SqlSession,
  id: string,
  comment: { principalId: string; text: string; at: string },
): Promise<number> =>
  tx.execute('update governance.gates set comments = comments || $2::jsonb where id = $1::uuid', [
    id,
    JSON.stringify([comment]),
  ])

/** How often this subject was sent back before. */
export async function countRevisions(tx: SqlSession, gate: GateRow): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `select count(*)::int4 as count from governance.gates where outcome = 'revise' and kind = $1 and plan_id = $2 and task_id is not distinct from $3`,
    [gate.kind, gate.subject.planId ?? null, gate.subject.taskId ?? null],
  )
  return row?.count ?? 0
}

/** Over all tenants, as scheduler. */
export const dueGates = (session: SqlSession, limit: number): Promise<{ tenant_id: string; id: string }[]> =>
  session.query(
    `select tenant_id, id from governance.gates where status = 'open' and due_at <= clock_timestamp() order by due_at limit $1`,
    [limit],
  )
