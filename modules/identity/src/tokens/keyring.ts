import {
  type Clock,
  commonProblems,
  type Context,
  type ModuleDatabase,
  newUuid,
  type SigningKey,
  type TokenCodec,
  type Transaction,
  toId,
} from '@soma/kernel'
import { PLATFORM_TENANT, type SigningKeyRecord, signingKeyRetired, signingKeyRotated } from '../../contract/index.ts'
import { recordChange } from '../record-change.ts'
import { addRevocation } from '../revoke.ts'
import { seal, unseal } from './seal.ts'
import {
  insertSigningKey,
  type KeyPurpose,
  listSigningKeys,
  lockSigningKeys,
  retireOthers,
  type SigningKeyRow,
} from './signing-key-store.ts'

export interface KeyringOptions {
  readonly database: ModuleDatabase
  readonly tokenCodec: Pick<TokenCodec, 'createKey'>
  readonly purpose: KeyPurpose
  readonly clock: Clock
  readonly encryptionKey: Uint8Array
  readonly rotationMs: number
  readonly leadMs: number
  /** How long an old key still verifies: the longest life of a token and the skew. */
  readonly overlapMs: number
  /** How long the key set is trusted without a read. */
  readonly cacheMs: number
}

export type PublicJwk = SigningKeyRow['public_jwk']

/** The signing keys of one purpose. Rows of the tenant `platform`; private halves are sealed. */
export interface Keyring {
  /** Makes the first key. Of processes that start together one does. */
  ensure(): Promise<void>
  /** The newest key that signs. @throws unavailable when its private half cannot be opened */
  signer(): Promise<SigningKey>
  /** All keys that verify now or soon. `kid`: read again when that one is not among them. */
  publicKeys(kid?: string): Promise<readonly PublicJwk[]>
  list(): Promise<SigningKeyRecord[]>
  rotate(by: Context, options: { emergency: boolean }): Promise<SigningKeyRecord>
  /** Publishes the next key when the active one nears its age. */
  rotateWhenDue(): Promise<void>
}

export function createKeyring(options: KeyringOptions): Keyring {
  const { database, clock, purpose } = options
  const platform = () => database.moduleContext(PLATFORM_TENANT)
  let cached: { rows: readonly SigningKeyRow[]; until: number } | undefined

  const rows = async (kid?: string): Promise<readonly SigningKeyRow[]> => {
    const now = clock.now().getTime()
    const isKnown = kid === undefined || cached?.rows.some((row) => row.kid === kid) === true
    if (cached !== undefined && cached.until > now && isKnown) return cached.rows
    const read = await database.asWorker(platform(), (tx) => listSigningKeys(tx, { purpose, withRetired: false }))
    cached = { rows: read, until: now + options.cacheMs }
    return read
  }

  const change = async <T>(work: (tx: Transaction, made: NewSigningKey) => Promise<T>): Promise<T> => {
    const made = await newSigningKey(options)
    const result = await database.asWorker(platform(), async (tx) => {
      await lockSigningKeys(tx)
      return work(tx, made)
    })
    cached = undefined
    return result
  }

  const rotate = (by: Context, { emergency }: { emergency: boolean }) =>
    change((tx, made) => replace(tx, by, { made, emergency, options }))

  return {
    ensure: async () => {
      if ((await rows()).length > 0) return
      await change(async (tx, made) => {
        if ((await listSigningKeys(tx, { purpose, withRetired: true })).length === 0)
          await insertSigningKey(tx, { ...made, purpose, activeInMs: 0 })
      })
    },
    signer: async () => {
      const now = clock.now()
      const row = (await rows()).findLast(({ active_at: activeAt }) => activeAt <= now) ?? (await rows())[0]
      if (row === undefined) throw commonProblems.unavailable.create('there is no signing key yet')
      return open(row, options.encryptionKey)
    },
    publicKeys: async (kid) => (await rows(kid)).map((row) => row.public_jwk),
    list: async () => {
      const all = await database.asWorker(platform(), (tx) => listSigningKeys(tx, { purpose, withRetired: true }))
      return all.map((row) => viewKey(row, all, clock.now()))
    },
    rotate,
    rotateWhenDue: async () => {
      const newest = (await rows()).at(-1)
      const isDue =
        newest !== undefined &&
        newest.active_at.getTime() + options.rotationMs - options.leadMs <= clock.now().getTime()
      if (isDue) await rotate(platform(), { emergency: false })
    },
  }
}

interface NewSigningKey {
  readonly id: string
  readonly kid: string
  readonly publicJwk: Readonly<Record<string, unknown>>
  readonly sealed: string
}

async function newSigningKey({ tokenCodec, encryptionKey }: KeyringOptions): Promise<NewSigningKey> {
  const { kid, publicJwk, privateJwk } = await tokenCodec.createKey()
  return { id: newUuid(), kid, publicJwk, sealed: seal(JSON.stringify(privateJwk), encryptionKey, kid) }
}

/** Old keys verify until the last token they signed has ended; in an emergency they die at once. */
async function replace(
  tx: Transaction,
  by: Context,
  { made, emergency, options }: { made: NewSigningKey; emergency: boolean; options: KeyringOptions },
): Promise<SigningKeyRecord> {
  const leadMs = emergency ? 0 : options.leadMs
  const { purpose } = options
  await insertSigningKey(tx, { ...made, purpose, activeInMs: leadMs })
  const ended = await retireOthers(tx, made.id, emergency ? 0 : leadMs + options.overlapMs)
  const signingKeyId = toId('skey', made.id)
  tx.emit(
    signingKeyRotated,
    { byId: by.principal.id, id: signingKeyId, kid: made.kid },
    { partitionKey: PLATFORM_TENANT },
  )
  for (const old of emergency ? ended : []) {
    await addRevocation(tx, 'signing-key', old.kid)
    tx.emit(
      signingKeyRetired,
      { byId: by.principal.id, id: toId('skey', old.id), kid: old.kid },
      { partitionKey: PLATFORM_TENANT },
    )
  }
  recordChange(tx, by, {
    action: 'signing-key.rotate',
    resource: { type: 'signing-key', id: signingKeyId },
    after: { kid: made.kid, emergency },
  })
  const all = await listSigningKeys(tx, { purpose, withRetired: true })
  return viewKey(all.find(({ id }) => id === made.id) as SigningKeyRow, all, options.clock.now())
}

function open(row: SigningKeyRow, encryptionKey: Uint8Array): SigningKey {
  try {
    return {
      kid: row.kid,
      publicJwk: row.public_jwk,
      privateJwk: JSON.parse(unseal(row.private_sealed, encryptionKey, row.kid)),
    }
  } catch (error) {
    throw commonProblems.unavailable.create(`the signing key ${row.kid} cannot be opened with this encryption key`, {
      cause: error,
    })
  }
}

function viewKey(row: SigningKeyRow, all: readonly SigningKeyRow[], now: Date): SigningKeyRecord {
  const active = all.findLast((key) => key.active_at <= now && (key.retired_at === null || key.retired_at > now))
  const status =
    row.retired_at !== null && row.retired_at <= now
      ? 'retired'
      : row.active_at > now
        ? 'next'
        : row.id === active?.id
          ? 'active'
          : 'retiring'
  return {
    signingKeyId: toId('skey', row.id),
    kid: row.kid,
    algorithm: 'EdDSA',
    purpose: 'access',
    status,
    createdAt: row.created_at.toISOString(),
    activeAt: row.active_at.toISOString(),
    retiredAt: row.retired_at?.toISOString() ?? null,
  }
}
