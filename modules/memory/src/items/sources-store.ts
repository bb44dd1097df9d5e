import type { Transaction } from '@soma/kernel'
import type { PreparedItem } from './prepare.ts'

const INSERT = `insert into memory.sources (tenant_id, id, scope_key, owner_id, kind, ref, actor, trace_id, correlation_id, constitution_hash)
  values (memory.tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning id`
const FIND = `select id from memory.sources where tenant_id = memory.tenant() and scope_key = $1 and kind = $2 and ref = $3`

/** The sources of one transaction, each asked for once. */
export function createSources(tx: Transaction): (item: PreparedItem) => Promise<string> {
  const known = new Map<string, string>()
  return async (item) => {
    const key = JSON.stringify([item.scopeKey, item.provenance.kind, item.provenance.ref])
    const id = known.get(key) ?? (await ensureSource(tx, item))
    known.set(key, id)
    return id
  }
}

/** The source of an item, made when it is new. Of two writers at once the later waits, so a statement of its own finds what it did not insert. */
async function ensureSource(tx: Transaction, item: PreparedItem): Promise<string> {
  const { provenance, scopeKey } = item
  const [made] = await tx.query<{ id: string }>(INSERT, [
    item.sourceId,
    scopeKey,
    item.ownerId,
    provenance.kind,
    provenance.ref,
    provenance.actor,
    provenance.traceId,
    provenance.correlationId ?? null,
    provenance.constitutionHash,
  ])
  if (made !== undefined) return made.id
  const [found] = await tx.query<{ id: string }>(FIND, [scopeKey, provenance.kind, provenance.ref])
  if (found === undefined)
    throw new TypeError(`the source ${provenance.kind} ${provenance.ref} is neither new nor there`)
  return found.id
}
