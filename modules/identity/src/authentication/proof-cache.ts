import { createHash } from 'node:crypto'
import { type Clock, isProblem } from '@soma/kernel'
import type { Proven } from '../../contract/index.ts'

/** More credentials than this in one process are read again each time. */
const MAXIMUM_ENTRIES = 10_000
/** A refusal is remembered for so short that a key that was just made works at once. */
const REFUSED_MS = 1000

interface Entry {
  readonly until: number
  readonly proven?: Proven
  readonly refusal?: unknown
}

/** What was proven in the last moments, by the hash of the credential: a verified one for ≤ 5 s, a refused one for ≤ 1 s. */
export interface ProofCache {
  /** Answers what is known of a credential, else what `prove` says; `expiresAt` bounds how long that is kept. */
  get(credential: string, prove: () => Promise<{ proven: Proven; expiresAt?: Date | undefined }>): Promise<Proven>
  /** Forgets what was proven of a principal, and remembered refusals. */
  evictPrincipal(tenantId: string, principalId: string): void
  evictCredential(credentialId: string): void
  clear(): void
}

export function createProofCache({ clock, ttlMs }: { clock: Clock; ttlMs: number }): ProofCache {
  const entries = new Map<string, Entry>()
  /** Counts evictions: what was read before one and arrives after it is not kept. */
  let generation = 0
  const keep = (key: string, entry: Entry, readAt: number) => {
    if (readAt !== generation) return
    if (entries.size >= MAXIMUM_ENTRIES) entries.delete(entries.keys().next().value as string)
    entries.set(key, entry)
  }
  const evict = (matches: (proven: Proven) => boolean) => {
    generation += 1
    for (const [key, { proven }] of entries) if (proven === undefined || matches(proven)) entries.delete(key)
  }

  return {
    get: async (credential, prove) => {
      const key = createHash('sha256').update(credential).digest('base64')
      const now = clock.now().getTime()
      const known = entries.get(key)
      if (known !== undefined && known.until > now) {
        if (known.proven === undefined) throw known.refusal
        return known.proven
      }
      const readAt = generation
      try {
        const { proven, expiresAt } = await prove()
        keep(key, { proven, until: Math.min(now + ttlMs, expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) }, readAt)
        return proven
      } catch (error) {
        if (isProblem(error) && error.status === 401)
          keep(key, { refusal: error, until: now + Math.min(REFUSED_MS, ttlMs) }, readAt)
        throw error
      }
    },
    evictPrincipal: (tenantId, principalId) =>
      evict(
        (proven) =>
          proven.tenantId === tenantId && (proven.principal.id === principalId || proven.userId === principalId),
      ),
    evictCredential: (credentialId) => evict((proven) => proven.credentialId === credentialId),
    clear: () => {
      generation += 1
      entries.clear()
    },
  }
}
