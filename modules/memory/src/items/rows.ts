/** A source as it is read beside an item; all null when it was erased. */
export interface SourceColumns {
  readonly source_kind: string | null
  readonly source_ref: string | null
  readonly source_actor: string | null
  readonly source_trace: string | null
  readonly source_correlation: string | null
  readonly source_constitution: string | null
}

interface ItemColumns extends SourceColumns {
  readonly id: string
  readonly scope_key: string
  readonly owner_id: string
  readonly content: string
  readonly content_hash: Uint8Array
  readonly language: string
  readonly tags: readonly string[]
  readonly metadata: Record<string, unknown>
  readonly importance: number
  readonly trust: number
  readonly recorded_at: Date
  readonly expires_at: Date | null
}

export interface FactRow extends ItemColumns {
  readonly collection: string
  readonly form: 'statement' | 'passage' | 'summary'
  readonly status: 'live' | 'superseded' | 'disputed'
  readonly external_id: string | null
  readonly subject: string | null
  readonly predicate: string | null
  readonly exclusive: boolean
  readonly confidence: number
  readonly valid_from: Date
  readonly valid_to: Date | null
  readonly closed_at: Date | null
  readonly superseded_at: Date | null
  readonly superseded_by: string | null
  readonly updated_at: Date
  readonly version: number
}

export interface EpisodeRow extends ItemColumns {
  readonly agent_id: string
  readonly session_id: string | null
  readonly plan_id: string | null
  readonly task_id: string | null
  readonly role: 'user' | 'assistant' | 'system' | 'tool' | 'event' | 'summary'
  readonly seq: number
  readonly occurred_at: Date
}

export interface ProcedureRow extends ItemColumns {
  readonly agent_id: string
  readonly name: string
  readonly version: number
  readonly type: 'system-prompt' | 'few-shot' | 'rule' | 'skill'
  readonly status: 'draft' | 'active' | 'retired'
  readonly trigger: string
  readonly parameters: Record<string, unknown> | null
  readonly trial_share: number | null
  readonly uses: number
  readonly wins: number
  readonly approved_by: string | null
  readonly activated_at: Date | null
  readonly updated_at: Date
}

const SOURCE = `s.kind as source_kind, s.ref as source_ref, s.actor as source_actor, s.trace_id as source_trace, s.correlation_id as source_correlation,
  s.constitution_hash as source_constitution`
const ITEM =
  'i.id, i.scope_key, i.owner_id, i.content, i.content_hash, i.language, i.tags, i.metadata, i.importance, i.trust, i.recorded_at, i.expires_at'
const WITH_SOURCE = 'left join memory.sources s on s.tenant_id = i.tenant_id and s.id = i.source_id'

/** The row is `i`. */
export const SELECT_FACT = `select ${ITEM}, i.collection, i.form, i.status, i.external_id, i.subject, i.predicate, i.exclusive, i.confidence, i.valid_from, i.valid_to, i.closed_at,
  i.superseded_at, i.superseded_by, i.updated_at, i.version, ${SOURCE} from memory.facts i ${WITH_SOURCE} where i.tenant_id = memory.tenant()`

/** The row is `i`. */
export const SELECT_EPISODE = `select ${ITEM}, i.agent_id, i.session_id, i.plan_id, i.task_id, i.role, i.seq, i.occurred_at, ${SOURCE}
  from memory.episodes i ${WITH_SOURCE} where i.tenant_id = memory.tenant()`

/** The row is `i`. */
export const SELECT_PROCEDURE = `select ${ITEM}, i.agent_id, i.name, i.version, i.type, i.status, i.trigger, i.parameters, i.trial_share, i.uses, i.wins, i.approved_by,
  i.activated_at, i.updated_at, ${SOURCE} from memory.procedures i ${WITH_SOURCE} where i.tenant_id = memory.tenant()`
