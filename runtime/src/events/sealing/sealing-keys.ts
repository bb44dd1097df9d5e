import { createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { commonProblems, type Database, type SqlSession } from '@soma/kernel'
import type { ErasedSubject } from '../erasures.ts'
import { insertKeys, type KeyOwner, type KeyRow, keysById, liveKeys, someKey } from './key-store.ts'
import { seal, unseal } from './seal.ts'

const KEY_BYTES = 32
/** Keys in memory, ~300 bytes each. */
const REMEMBERED = 10_000

export interface SealingKey extends KeyOwner {
  readonly keyId: string
  /** Null = destroyed. */
  readonly key: KeyObject | null
}

export interface LiveSealingKey extends SealingKey {
  readonly key: KeyObject
}

/** The keys of tenants and users, made when first needed. Remembered in memory until they are destroyed or too many. */
export interface SealingKeys {
  /** A live key for each owner, in their order. */
  forSealing(owners: readonly KeyOwner[]): Promise<readonly LiveSealingKey[]>
  /** By key id; one that is missing was never made here. */
  byId(keyIds: readonly string[]): Promise<ReadonlyMap<string, SealingKey>>
  /** Drops what is remembered of the subject. */
  forget(subject: ErasedSubject): void
  /** @throws Error when the keys were sealed under another key of the installation */
  refuseOtherInstallation(): Promise<void>
}

export function createSealingKeys(database: Database, encryptionKey: Uint8Array): SealingKeys {
  const master = createSecretKey(encryptionKey)
  const known = new Map<string, SealingKey>()
  const living = new Map<string, LiveSealingKey>()
  let forgotten = 0

  const asBus = <T>(work: (session: SqlSession) => Promise<T>) => database.transaction({ role: 'soma_bus' }, work)
  /** What was read before something was forgotten may be what was forgotten: it is used and not remembered. */
  const take = (rows: readonly KeyRow[], readSince: number): SealingKey[] => {
    const keys = rows.map((row) => openKey(row, master))
    if (readSince !== forgotten) return keys
    if (known.size + keys.length > REMEMBERED) {
      known.clear()
      living.clear()
    }
    for (const key of keys) {
      known.set(key.keyId, key)
      if (isLive(key)) living.set(nameOf(key), key)
    }
    return keys
  }
  const make = async (owners: readonly KeyOwner[]): Promise<KeyRow[]> =>
    asBus(async (session) => {
      const there = await liveKeys(session, owners)
      const names = new Set(there.map(nameOf))
      const missing = owners.filter((owner) => !names.has(nameOf(owner)))
      if (missing.length === 0) return there
      await insertKeys(
        session,
        missing.map((owner) => newKey(owner, master)),
      )
      return [...there, ...(await liveKeys(session, missing))]
    })

  return {
    forSealing: async (owners) => {
      const wanted = new Map(owners.map((owner) => [nameOf(owner), owner]))
      const found = new Map([...wanted.keys()].map((name) => [name, living.get(name)]))
      const unknown = [...wanted].filter(([name]) => found.get(name) === undefined).map(([, owner]) => owner)
      const readSince = forgotten
      if (unknown.length > 0)
        for (const key of take(await make(unknown), readSince).filter(isLive)) found.set(nameOf(key), key)
      return owners.map((owner) => found.get(nameOf(owner)) as LiveSealingKey)
    },
    byId: async (keyIds) => {
      const found = new Map<string, SealingKey>()
      const unknown = new Set<string>()
      for (const keyId of keyIds) {
        const key = known.get(keyId)
        if (key === undefined) unknown.add(keyId)
        else found.set(keyId, key)
      }
      if (unknown.size === 0) return found
      const readSince = forgotten
      const rows = await asBus((session) => keysById(session, [...unknown]))
      for (const key of take(rows, readSince)) found.set(key.keyId, key)
      return found
    },
    forget: ({ tenantId, userId }) => {
      forgotten += 1
      for (const [keyId, key] of known) {
        if (key.tenantId !== tenantId || (userId !== '' && key.userId !== userId)) continue
        known.delete(keyId)
        living.delete(nameOf(key))
      }
    },
    refuseOtherInstallation: async () => {
      const row = await asBus(someKey)
      if (row !== undefined) openKey(row, master)
    },
  }
}

const isLive = (key: SealingKey): key is LiveSealingKey => key.key !== null

const nameOf = ({ tenantId, userId }: KeyOwner): string => `${tenantId}\0${userId}`

const aboutOf = ({ keyId, tenantId, userId }: Omit<KeyRow, 'sealed'>): string =>
  `events.sealing_keys\0${keyId}\0${tenantId}\0${userId}`

function newKey(owner: KeyOwner, master: KeyObject): KeyRow {
  const row = { keyId: randomUUID(), tenantId: owner.tenantId, userId: owner.userId }
  return { ...row, sealed: seal(randomBytes(KEY_BYTES), master, aboutOf(row)).toString('base64') }
}

function openKey(row: KeyRow, master: KeyObject): SealingKey {
  const { keyId, tenantId, userId, sealed } = row
  if (sealed === null) return { keyId, tenantId, userId, key: null }
  try {
    const key = createSecretKey(unseal(Buffer.from(sealed, 'base64'), master, aboutOf(row)))
    return { keyId, tenantId, userId, key }
  } catch (error) {
    throw commonProblems.unavailable.create(
      'the keys of events on the bus were sealed under another key of this installation: set server.clusterSecret, or the encryption.key of the data directory, back',
      { cause: error },
    )
  }
}
