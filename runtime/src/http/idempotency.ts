import { createHash } from 'node:crypto'
import {
  canonicalJson,
  commonProblems,
  type Context,
  type Database,
  newUuid,
  type Operation,
  type SqlSession,
} from '@soma/kernel'
import { createAnswerSeal } from './seal-answer.ts'

export interface StoredAnswer {
  readonly status: number
  readonly body: unknown
}

export interface IdempotencyStore {
  /**
   * Runs `work` once per (tenant, principal, operation, key): a repeated request with the same body gets the stored answer.
   * An answer that holds a secret is stored sealed (`seal-answer.ts`). Problems are not stored: the repeat is decided again. A request that is still running elsewhere answers `conflict`, retryable;
   * one whose process died is run again (its ids are derived from the key, so its rows are the same ones).
   * @throws idempotency-key-reused for another body
   */
  once(
    request: { context: Context; operation: Pick<Operation, 'id' | 'secret'>; key: string; body: unknown },
    work: () => Promise<StoredAnswer>,
  ): Promise<StoredAnswer>
}

/** A claim older than this belongs to a request whose process is gone: longer than any operation may take (30 s) and its retry. */
const STALE_CLAIM_MS = 60_000

export function createIdempotencyStore(options: {
  database: Database
  processId: string
  singleProcess: boolean
  /** Seals answers that hold a secret, the same on every process of the installation. */
  encryptionKey: Uint8Array
}): IdempotencyStore {
  return {
    async once({ context, operation, key, body }, work) {
      const owner = [context.tenantId, context.principal.id, operation.id]
      const keeping = operation.secret === true ? keepSealed(options.encryptionKey, owner, key) : keepPlain(key)
      const row = [...owner, keeping.lookup]
      const hash = keeping.hash(canonicalJson(body ?? null))
      const claim = `${options.processId}/${newUuid()}`
      const inTenant = <T>(run: (session: SqlSession) => Promise<T>) =>
        options.database.transaction(
          { role: 'soma_app', tenantId: context.tenantId, principalId: context.principal.id },
          run,
        )

      const [stored] = await inTenant((session) =>
        session.query<ClaimRow>(CLAIM, [...row, hash, claim, options.singleProcess, STALE_CLAIM_MS / 1000]),
      )
      if (stored === undefined) throw new Error('the claim of an idempotency key answered no row')
      if (stored.request_hash !== hash)
        throw commonProblems.idempotencyKeyReused.create(`the Idempotency-Key "${key}" was used with another body`)
      if (stored.status !== null) return { status: stored.status, body: keeping.read(stored.response) }
      if (stored.claimed_by !== claim)
        throw commonProblems.conflict.create('a request with this Idempotency-Key is still running', {
          retryAfterMs: 1000,
        })
      try {
        const answer = await work()
        await inTenant((session) =>
          session.execute(STORE, [...row, claim, answer.status, keeping.write(answer.body ?? null)]),
        )
        return answer
      } catch (error) {
        // A release that fails too must not hide why; the claim then lapses.
        await inTenant((session) => session.execute(RELEASE, [...row, claim])).catch(() => undefined)
        throw error
      }
    },
  }
}

/** In which form a request and its answer are kept. */
interface Keeping {
  readonly lookup: string
  hash(body: string): string
  /** The JSON text of the column. */
  write(body: unknown): string
  read(stored: unknown): unknown
}

const keepPlain = (key: string): Keeping => ({
  lookup: key,
  hash: (body) => createHash('sha256').update(body).digest('hex'),
  write: (body) => JSON.stringify(body),
  read: (stored) => stored,
})

function keepSealed(encryptionKey: Uint8Array, owner: readonly string[], key: string): Keeping {
  const { lookup, hash, seal, open } = createAnswerSeal(encryptionKey, JSON.stringify(owner), key)
  return {
    lookup,
    hash,
    write: (body) => JSON.stringify({ sealed: seal(JSON.stringify(body)) }),
    read: (stored) => JSON.parse(open((stored as { sealed: string }).sealed)),
  }
}

interface ClaimRow {
  readonly request_hash: string
  readonly status: number | null
  readonly response: unknown
  readonly claimed_by: string
}

/**
 * Claims the key, or answers what is there. A claim whose process is gone (another process on the embedded engine, or a stale one) is taken over by
 * a request with the same body, and is as fresh as a new one then: no third request may take it in turn.
 */
const CLAIM = `
  insert into runtime.idempotency as stored (tenant_id, principal_id, operation, key, request_hash, claimed_by)
  values ($1, $2, $3, $4, $5, $6)
  on conflict (tenant_id, principal_id, operation, key) do update
    set (claimed_by, created_at) = (
      select case when lapsed then excluded.claimed_by else stored.claimed_by end, case when lapsed then clock_timestamp() else stored.created_at end
      from (select stored.status is null and stored.request_hash = excluded.request_hash
              and (($7 and split_part(stored.claimed_by, '/', 1) <> split_part(excluded.claimed_by, '/', 1)) or stored.created_at < clock_timestamp() - make_interval(secs => $8)) as lapsed) as claim)
  returning request_hash, status, response, claimed_by`

/** Only of the claim that is still ours: one that was taken over belongs to the request that took it. */
const OURS =
  'where tenant_id = $1 and principal_id = $2 and operation = $3 and key = $4 and claimed_by = $5 and status is null'
const STORE = `update runtime.idempotency set status = $6, response = $7::jsonb ${OURS}`
const RELEASE = `delete from runtime.idempotency ${OURS}`
