import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Clock, commonProblems, type ModuleDatabase, type SqlSession } from '@soma/kernel'
import { type JoinProcess, PLATFORM_TENANT, type ProcessRecord, processProofText } from '../../contract/index.ts'

/** Between hosts whose clocks differ; more says that the request is old. */
const MAXIMUM_SKEW_SECONDS = 60
/** The key of a process that has not joined again for this long is not accepted any more. A live one joins every few seconds. */
const LISTED_FOR = `interval '5 minutes'`

interface ProcessRow {
  readonly id: string
  readonly modules: string[]
  readonly public_jwk: ProcessRecord['publicJwk']
  readonly joined_at: Date
  readonly seen_at: Date
}

/** Hexadecimal HMAC-SHA-256 with which a process proves that it knows the cluster secret. */
export const processProof = (join: Omit<JoinProcess, 'proof'>, clusterSecret: string): string =>
  createHmac('sha256', clusterSecret).update(processProofText(join)).digest('hex')

/** Which processes may speak for which modules. */
export function createProcessService(options: {
  database: ModuleDatabase
  clock: Clock
  clusterSecret: string | undefined
}) {
  const { database, clock, clusterSecret } = options
  const platform = () => database.moduleContext(PLATFORM_TENANT)
  return {
    join: async (join: JoinProcess): Promise<ProcessRecord> => {
      checkProof(join, { clusterSecret, nowSeconds: clock.now().getTime() / 1000 })
      return database.asWorker(platform(), async (tx) => view(await putProcess(tx, join)))
    },
    list: () =>
      database.asWorker(platform(), async (tx) => {
        const rows = await tx.query<ProcessRow>(
          `select id, modules, public_jwk, joined_at, seen_at from identity.processes where seen_at > clock_timestamp() - ${LISTED_FOR} order by joined_at limit 1000`,
        )
        return { items: rows.map(view), nextCursor: null }
      }),
  }
}

/** @throws unauthenticated for every reason alike */
function checkProof(
  join: JoinProcess,
  { clusterSecret, nowSeconds }: { clusterSecret: string | undefined; nowSeconds: number },
): void {
  const refuse = () =>
    commonProblems.unauthenticated.create('the process did not prove that it belongs to this installation')
  if (clusterSecret === undefined || join.publicJwk.kty !== 'OKP' || typeof join.publicJwk['x'] !== 'string')
    throw refuse()
  const expected = processProof(join, clusterSecret)
  const isProven = timingSafeEqual(Buffer.from(expected, 'hex'), Buffer.from(join.proof, 'hex'))
  if (!isProven || Math.abs(nowSeconds - join.issuedAtSeconds) > MAXIMUM_SKEW_SECONDS) throw refuse()
}

async function putProcess(tx: SqlSession, join: JoinProcess): Promise<ProcessRow> {
  const { kty, kid, x } = join.publicJwk
  const [row] = await tx.query<ProcessRow>(
    `insert into identity.processes (tenant_id, id, modules, public_jwk) values (current_setting('soma.tenant_id'), $1::uuid, $2::jsonb, $3::jsonb)
     on conflict (tenant_id, id) do update set modules = excluded.modules, public_jwk = excluded.public_jwk, seen_at = clock_timestamp()
     returning id, modules, public_jwk, joined_at, seen_at`,
    [join.processId, JSON.stringify(join.modules), JSON.stringify({ kty, kid, crv: 'Ed25519', x })],
  )
  return row as ProcessRow
}

const view = (row: ProcessRow): ProcessRecord => ({
  processId: row.id,
  modules: row.modules,
  publicJwk: row.public_jwk,
  joinedAt: row.joined_at.toISOString(),
  seenAt: row.seen_at.toISOString(),
})
