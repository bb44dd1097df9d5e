import type { Transaction } from '@soma/kernel'
import type { FactInput } from '../../contract/index.ts'
import type { PreparedItem } from '../items/prepare.ts'
import { type FactKey, STORE_SQL } from './store-sql.ts'

export type PreparedFact = PreparedItem<FactInput>

export interface StoredFact {
  readonly id: string
  readonly version: number
  readonly status: 'live' | 'disputed'
  readonly is_new: boolean
  /** The more trusted fact that stays current. */
  readonly rival_id: string | null
  readonly replaced: readonly string[]
}

function keyOf({ externalId, subject, exclusive }: FactInput): FactKey {
  const isSlot = subject !== undefined && exclusive
  if (externalId !== undefined) return isSlot ? 'external-in-slot' : 'external'
  return isSlot ? 'slot' : 'content'
}

/** What must not be written by two at once. */
export function lockKeysOf({ scopeKey, input, contentHash }: PreparedFact): string[] {
  const { externalId, subject, predicate, exclusive, collection } = input
  const keys: unknown[][] = []
  if (externalId !== undefined) keys.push(['external', externalId])
  if (subject !== undefined && exclusive) keys.push(['slot', subject, predicate])
  if (keys.length === 0) keys.push(['content', collection, Buffer.from(contentHash).toString('hex')])
  return keys.map((key) => JSON.stringify([scopeKey, ...key]))
}

/** One statement: see `store-sql.ts`. `version`: of the fact that it follows, else 0. @throws unique violation when the key is another owner's */
export async function storeFact(
  tx: Transaction,
  fact: PreparedFact,
  { sourceId, version }: { sourceId: string; version: number },
): Promise<StoredFact> {
  const { input } = fact
  const [row] = await tx.query<StoredFact>(STORE_SQL[keyOf(input)], [
    fact.id,
    fact.scopeKey,
    fact.ownerId,
    input.externalId ?? null,
    input.subject ?? null,
    input.predicate ?? null,
    input.exclusive,
    input.collection,
    input.form,
    fact.content,
    fact.contentHash,
    input.language,
    input.tags,
    JSON.stringify(input.metadata),
    input.importance,
    input.confidence,
    fact.provenance.trust,
    input.validFrom ?? null,
    input.validTo ?? null,
    input.expiresAt ?? null,
    input.corrects,
    sourceId,
    fact.dimensions,
    fact.weights,
    version,
  ])
  return row as StoredFact
}

const LOCK = `select pg_advisory_xact_lock(k) from (
  select distinct hashtextextended(memory.tenant() || '/' || u.key, 0) as k from unnest($1::text[]) u(key) order by 1) locks`

/** Waits for all other writers of these keys. In one order, so that two batches never wait for each other. */
export const lockKeys = (tx: Transaction, keys: readonly string[]): Promise<unknown> => tx.query(LOCK, [keys])
