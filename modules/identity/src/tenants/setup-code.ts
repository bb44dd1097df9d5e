import { randomBytes } from 'node:crypto'
import type { Logger, ModuleDatabase, SqlSession } from '@soma/kernel'
import { PLATFORM_TENANT } from '../../contract/index.ts'
import { hashSecret } from '../keys/key-format.ts'

/** Long enough to walk to the server, short enough that a forgotten file is worth nothing. */
const LIFE_MS = 1_800_000

interface CodeRow {
  readonly code_hash: string
  readonly is_live: boolean
  readonly is_used: boolean
}

/** Of processes and tries that come at once, one at a time goes on. */
export const lockSetup = (tx: SqlSession): Promise<unknown> =>
  tx.query(`select pg_advisory_xact_lock(hashtext('identity.setup'))`)

export async function findCode(tx: SqlSession): Promise<CodeRow | undefined> {
  const rows = await tx.query<CodeRow>(
    'select code_hash, expires_at > clock_timestamp() and used_at is null as is_live, used_at is not null as is_used from identity.setup_codes',
  )
  return rows[0]
}

export const useUpCode = (tx: SqlSession): Promise<number> =>
  tx.execute('update identity.setup_codes set used_at = clock_timestamp() where used_at is null')

const putCode = (tx: SqlSession, hash: string): Promise<number> =>
  tx.execute(
    `insert into identity.setup_codes (tenant_id, code_hash, expires_at) values (current_setting('soma.tenant_id'), $1, clock_timestamp() + make_interval(secs => $2::float8 / 1000))
     on conflict (tenant_id) do update set code_hash = excluded.code_hash, expires_at = excluded.expires_at where setup_codes.used_at is null`,
    [hash, LIFE_MS],
  )

/**
 * While there is no first admin and no live code, makes one and has it kept where only the operator can read it. The log gets the place, never the code.
 * Of processes that start together one makes it.
 */
export async function offerSetupCode(options: {
  database: ModuleDatabase
  log: Logger
  write: (code: string) => Promise<string>
}): Promise<void> {
  const code = randomBytes(24).toString('base64url')
  const { database } = options
  const isNew = await database.asWorker(database.moduleContext(PLATFORM_TENANT), async (tx) => {
    await lockSetup(tx)
    const known = await findCode(tx)
    if (known?.is_live === true || known?.is_used === true) return false
    await putCode(tx, hashSecret(code))
    return true
  })
  if (isNew)
    options.log.info('there is no administrator yet: the setup code is in this file for 30 minutes', {
      file: await options.write(code),
    })
}
