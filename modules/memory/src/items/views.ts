import { toId, withoutUndefined } from '@soma/kernel'
import type { Episode, Fact, Procedure, SourceKind } from '../../contract/index.ts'
import { scopeOfKey } from '../scopes/scope-keys.ts'
import type { EpisodeRow, FactRow, ProcedureRow, SourceColumns } from './rows.ts'
import { trustOfLevel } from './trust.ts'

const iso = (date: Date | null): string | undefined => date?.toISOString()
const orAbsent = <Value>(value: Value | null): Value | undefined => value ?? undefined

function viewSource(row: SourceColumns) {
  if (row.source_kind === null || row.source_ref === null) return undefined
  return withoutUndefined({
    kind: row.source_kind as SourceKind,
    ref: row.source_ref,
    actor: orAbsent(row.source_actor),
    traceId: orAbsent(row.source_trace),
    correlationId: orAbsent(row.source_correlation),
    constitutionHash: orAbsent(row.source_constitution),
  })
}

const common = (row: FactRow | EpisodeRow | ProcedureRow) => ({
  scope: scopeOfKey(row.scope_key),
  ownerId: row.owner_id,
  content: row.content,
  contentHash: Buffer.from(row.content_hash).toString('hex'),
  language: row.language,
  tags: [...row.tags],
  metadata: row.metadata,
  importance: row.importance,
  trust: trustOfLevel(row.trust),
  source: viewSource(row),
  recordedAt: row.recorded_at.toISOString(),
  expiresAt: iso(row.expires_at),
})

export const viewFact = (row: FactRow): Fact =>
  withoutUndefined({
    kind: 'fact' as const,
    id: toId('fact', row.id),
    ...common(row),
    form: row.form,
    collection: row.collection,
    status: row.status,
    externalId: orAbsent(row.external_id),
    subject: orAbsent(row.subject),
    predicate: orAbsent(row.predicate),
    exclusive: row.exclusive,
    confidence: row.confidence,
    validFrom: row.valid_from.toISOString(),
    validTo: iso(row.valid_to),
    closedAt: iso(row.closed_at),
    supersededAt: iso(row.superseded_at),
    replacedBy: row.superseded_by === null ? undefined : toId('fact', row.superseded_by),
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  }) as Fact

export const viewEpisode = (row: EpisodeRow): Episode =>
  withoutUndefined({
    kind: 'episode' as const,
    id: toId('epi', row.id),
    ...common(row),
    agentId: row.agent_id,
    sessionId: orAbsent(row.session_id),
    planId: orAbsent(row.plan_id),
    taskId: orAbsent(row.task_id),
    role: row.role,
    seq: row.seq,
    occurredAt: row.occurred_at.toISOString(),
  }) as Episode

export const viewProcedure = (row: ProcedureRow): Procedure =>
  withoutUndefined({
    kind: 'procedure' as const,
    id: toId('proc', row.id),
    ...common(row),
    agentId: row.agent_id,
    name: row.name,
    version: row.version,
    type: row.type,
    status: row.status,
    trigger: row.trigger,
    parameters: orAbsent(row.parameters),
    trialShare: orAbsent(row.trial_share),
    uses: row.uses,
    wins: row.wins,
    approvedBy: orAbsent(row.approved_by),
    activatedAt: iso(row.activated_at),
    updatedAt: row.updated_at.toISOString(),
  }) as Procedure
