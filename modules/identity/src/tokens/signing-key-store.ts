import type { SqlSession } from '@soma/kernel'
import type { SigningDialect } from '../../contract/index.ts'

export interface SigningKeyRow {
  readonly id: string
  readonly kid: string
  readonly public_jwk: Readonly<Record<string, unknown>> & { readonly kty: string; readonly kid: string }
  readonly private_sealed: string
  readonly created_at: Date
  readonly active_at: Date
  readonly retired_at: Date | null
}

/** What keys sign: our own access tokens, or those of a foreign dialect by its name. */
export type KeyPurpose = 'access' | SigningDialect

/** Oldest first, without those that verify no more. */
export const listSigningKeys = (
  tx: SqlSession,
  options: { purpose: KeyPurpose; withRetired: boolean },
): Promise<SigningKeyRow[]> =>
  tx.query<SigningKeyRow>(
    `select id, kid, public_jwk, private_sealed, created_at, active_at, retired_at from identity.signing_keys
     where purpose = $2 and ($1 or retired_at is null or retired_at > clock_timestamp()) order by active_at, id`,
    [options.withRetired, options.purpose],
  )

export const insertSigningKey = (
  tx: SqlSession,
  key: { id: string; kid: string; publicJwk: unknown; sealed: string; purpose: KeyPurpose; activeInMs: number },
): Promise<number> =>
  tx.execute(
    `insert into identity.signing_keys (tenant_id, id, kid, public_jwk, private_sealed, purpose, active_at)
     values (current_setting('soma.tenant_id'), $1::uuid, $2, $3::jsonb, $4, $6, date_trunc('milliseconds', clock_timestamp() + make_interval(secs => $5::float8 / 1000)))`,
    [key.id, key.kid, JSON.stringify(key.publicJwk), key.sealed, key.activeInMs, key.purpose],
  )

/** Lets every older key of the same purpose end `inMs` from now; answers those that had no end before. */
export const retireOthers = (tx: SqlSession, id: string, inMs: number): Promise<{ id: string; kid: string }[]> =>
  tx.query(
    `update identity.signing_keys set retired_at = date_trunc('milliseconds', clock_timestamp() + make_interval(secs => $2::float8 / 1000))
     where id <> $1::uuid and purpose = (select purpose from identity.signing_keys where id = $1::uuid) and (retired_at is null or retired_at > clock_timestamp() + make_interval(secs => $2::float8 / 1000)) returning id, kid`,
    [id, inMs],
  )

/** One process at a time makes or changes signing keys; the others wait for its commit. */
export const lockSigningKeys = (tx: SqlSession): Promise<unknown> =>
  tx.query(`select pg_advisory_xact_lock(hashtext('identity.signing_keys'))`)
