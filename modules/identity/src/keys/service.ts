import {
  type Clock,
  commonProblems,
  type Context,
  decodeCursor,
  type EventDefinition,
  holds,
  type ModuleDatabase,
  type Transaction,
  toId,
  toPage,
  toUuid,
  uuidOf,
} from '@soma/kernel'
import type * as z from 'zod'
import {
  type ApiKey,
  type createKey,
  expandCapabilities,
  type IssuedKey,
  keyCreated,
  keyRevoked,
  keyRotated,
} from '../../contract/index.ts'
import type { ProofCache } from '../authentication/proof-cache.ts'
import { findSubject } from '../principals/subject.ts'
import { recordChange } from '../record-change.ts'
import { addRevocation } from '../revoke.ts'
import { formatKey, hashSecret, newSecret } from './key-format.ts'
import { findKey, insertKey, type KeyRow, listKeys, revokeKey, rotateKey } from './store.ts'

const DAY_MS = 86_400_000

export interface KeyDependencies {
  readonly database: ModuleDatabase
  readonly proofs: ProofCache
  readonly clock: Clock
  readonly maxAgeDays: number
}

/** API keys. Own ones: any login. Others': `key:manage`; without it they look absent. */
export function createKeyService({ database, proofs, clock, maxAgeDays }: KeyDependencies) {
  const ownKey = async (tx: Transaction, context: Context, keyId: string): Promise<KeyRow> => {
    const id = toUuid('key', keyId)
    const row = id === undefined ? undefined : await findKey(tx, id)
    if (row === undefined || !mayManage(context, row.principal_id))
      throw commonProblems.notFound.create(`no key ${keyId}`)
    return row
  }

  return {
    create: (context: Context, body: z.output<typeof createKey>, keyId: string): Promise<IssuedKey> =>
      database.transaction(context, async (tx) => {
        const principalId = body.principalId ?? context.principal.id
        if (!mayManage(context, principalId))
          throw commonProblems.forbidden.create('keys of others need the capability "key:manage"', {
            capability: 'key:manage',
          })
        const subject = await findSubject(tx, principalId, clock.now())
        if (subject === undefined) throw invalid('/body/principalId', 'unknown', `no active principal ${principalId}`)
        checkScopes(context, body.scopes)
        const expiresAt = expiryOf(body.expiresAt, { now: clock.now(), maxAgeDays })
        return issueKey(tx, context, { keyId, principalId, name: body.name, scopes: body.scopes, expiresAt })
      }),

    list: (context: Context, query: { limit: number; cursor?: string | undefined; principalId?: string | undefined }) =>
      database.transaction(context, async (tx) => {
        const before = decodeCursor(query.cursor, ['time', 'uuid'])
        const principalId = holds(context.principal, 'key:manage') ? query.principalId : context.principal.id
        if (query.principalId !== undefined && query.principalId !== principalId) return { items: [], nextCursor: null }
        const rows = await listKeys(tx, { limit: query.limit + 1, principalId, before })
        return toPage(rows, query.limit, { item: viewKey, key: (row) => [row.created_at.toISOString(), row.id] })
      }),

    get: (context: Context, keyId: string): Promise<ApiKey> =>
      database.transaction(context, async (tx) => viewKey(await ownKey(tx, context, keyId))),

    rotate: async (context: Context, keyId: string, overlapMs: number): Promise<IssuedKey> => {
      const secret = newSecret()
      const issued = await database.transaction(context, async (tx) => {
        const row = await ownKey(tx, context, keyId)
        if ((await rotateKey(tx, row.id, { secretHash: hashSecret(secret), overlapMs })) === 0)
          throw commonProblems.conflict.create(`the key ${keyId} is ${row.status}`)
        say(tx, context, { definition: keyRotated, row, action: 'key.rotate' })
        return { ...viewKey((await findKey(tx, row.id)) as KeyRow), secret: formatKey(keyId, secret) }
      })
      proofs.evictCredential(keyId)
      return issued
    },

    revoke: async (context: Context, keyId: string): Promise<undefined> => {
      await database.transaction(context, async (tx) => {
        const row = await ownKey(tx, context, keyId)
        if ((await revokeKey(tx, row.id)) === 0) return
        await addRevocation(tx, 'key', keyId)
        say(tx, context, { definition: keyRevoked, row, action: 'key.revoke' })
      })
      proofs.evictCredential(keyId)
    },
  }
}

/** Makes a key in the tenant of the transaction. The secret leaves in the answer and is kept nowhere. */
export async function issueKey(
  tx: Transaction,
  by: Context,
  key: { keyId: string; principalId: string; name: string; scopes: readonly string[]; expiresAt: Date },
): Promise<IssuedKey> {
  const secret = newSecret()
  const { keyId, principalId, name, scopes, expiresAt } = key
  const id = uuidOf('key', keyId)
  if (!(await insertKey(tx, { id, principalId, name, scopes, expiresAt, secretHash: hashSecret(secret) }))) {
    throw commonProblems.conflict.create(`the key ${keyId} exists already`)
  }
  const row = (await findKey(tx, id)) as KeyRow
  say(tx, by, { definition: keyCreated, row, action: 'key.create' })
  return { ...viewKey(row), secret: formatKey(keyId, secret) }
}

const mayManage = (context: Context, principalId: string): boolean =>
  principalId === context.principal.id || holds(context.principal, 'key:manage')

/** A key is never worth more than its maker: one error for each scope beyond. */
function checkScopes(context: Context, scopes: readonly string[]): void {
  const beyond = scopes.flatMap((scope, index) =>
    expandCapabilities([scope]).every((capability) => holds(context.principal, capability))
      ? []
      : [{ pointer: `/body/scopes/${index}`, code: 'beyond-maker', detail: `the maker does not hold "${scope}"` }],
  )
  if (beyond.length > 0)
    throw commonProblems.invalidRequest.create('a key cannot be worth more than its maker', { errors: beyond })
}

function expiryOf(given: string | undefined, { now, maxAgeDays }: { now: Date; maxAgeDays: number }): Date {
  const latest = new Date(now.getTime() + maxAgeDays * DAY_MS)
  if (given === undefined) return latest
  const expiresAt = new Date(given)
  if (expiresAt <= now) throw invalid('/body/expiresAt', 'past', `${given} has passed`)
  if (expiresAt > latest)
    throw invalid(
      '/body/expiresAt',
      'too-late',
      `a key lives at most ${maxAgeDays} days: until ${latest.toISOString()}`,
    )
  return expiresAt
}

const invalid = (pointer: string, code: string, detail: string) =>
  commonProblems.invalidRequest.create(detail, { errors: [{ pointer, code, detail }] })

function say(
  tx: Transaction,
  by: Context,
  {
    definition,
    row,
    action,
  }: { definition: typeof keyCreated | typeof keyRotated | typeof keyRevoked; row: KeyRow; action: string },
): void {
  const keyId = toId('key', row.id)
  tx.emit(
    definition as EventDefinition,
    {
      byId: by.principal.id,
      principalId: row.principal_id,
      keyId,
      scopes: row.scopes,
      expiresAt: row.expires_at.toISOString(),
    },
    { partitionKey: by.tenantId },
  )
  recordChange(tx, by, {
    action,
    resource: { type: 'key', id: keyId },
    after: { principalId: row.principal_id, name: row.name, scopes: row.scopes },
  })
}

const viewKey = (row: KeyRow): ApiKey => ({
  keyId: toId('key', row.id),
  principalId: row.principal_id,
  name: row.name,
  scopes: row.scopes,
  status: row.status,
  expiresAt: row.expires_at.toISOString(),
  previousUntil: row.previous_until?.toISOString() ?? null,
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  version: row.version,
})
