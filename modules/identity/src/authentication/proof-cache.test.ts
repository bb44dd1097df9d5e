import { commonProblems } from '@soma/kernel'
import { expect, test } from 'vitest'
import type { Proven } from '../../contract/index.ts'
import { createProofCache } from './proof-cache.ts'

const proven = (id: string): Proven => ({
  tenantId: 'default',
  spaceId: '',
  principal: { id, kind: 'user', roles: [], capabilities: [] },
  userId: id,
  actors: [],
  method: 'api-key',
  credentialId: `key_${id}`,
  authenticatedAt: '2026-01-01T00:00:00.000Z',
  region: 'local',
  constitutionHash: 'none',
})

function aCache() {
  let nowMs = 0
  let reads = 0
  const cache = createProofCache({ clock: { now: () => new Date(nowMs) }, ttlMs: 5000 })
  return {
    cache,
    passes: (ms: number) => {
      nowMs += ms
    },
    /** How many reads asking for these credentials causes. */
    readsOf: async (
      credentials: readonly string[],
      answer: (id: string) => Promise<{ proven: Proven; expiresAt?: Date }> = async (id) => ({ proven: proven(id) }),
    ) => {
      const before = reads
      for (const id of credentials) {
        await cache
          .get(id, () => {
            reads += 1
            return answer(id)
          })
          .catch(() => undefined)
      }
      return reads - before
    },
  }
}

test('IDN-R20 a verified credential is kept for 5 s and a refused one for 1 s, at most 10 000 of them, and a revocation evicts it', async () => {
  const { cache, passes, readsOf } = aCache()
  expect(await readsOf(['a', 'a'])).toBe(1)
  passes(4999)
  expect(await readsOf(['a'])).toBe(0)
  passes(1)
  expect(await readsOf(['a'])).toBe(1)

  const refuse = () => Promise.reject(commonProblems.unauthenticated.create('no'))
  expect(await readsOf(['wrong', 'wrong'], refuse)).toBe(1)
  passes(999)
  expect(await readsOf(['wrong'], refuse)).toBe(0)
  passes(1)
  expect(await readsOf(['wrong'], refuse)).toBe(1)

  expect(await readsOf(['b', 'c', 'b', 'c'])).toBe(2)
  cache.evictCredential('key_b')
  expect(await readsOf(['b', 'c'])).toBe(1)
  cache.evictPrincipal('default', 'c')
  expect(await readsOf(['b', 'c'])).toBe(1)

  const many = Array.from({ length: 10_001 }, (_, index) => `m${index}`)
  expect(await readsOf(many)).toBe(10_001)
  expect(await readsOf(['m10000', 'm5000'])).toBe(0)
  expect(await readsOf(['m0'])).toBe(1)
})

test('nothing is kept longer than the credential lives, and a failure that is no refusal is not kept at all', async () => {
  const { passes, readsOf } = aCache()
  await readsOf(['a'], async (id) => ({ proven: proven(id), expiresAt: new Date(100) }))
  passes(100)
  expect(await readsOf(['a'])).toBe(1)
  const fail = () => Promise.reject(new Error('the database is away'))
  expect(await readsOf(['b', 'b'], fail)).toBe(2)
})

test('what was read before a revocation and arrives after it is not kept', async () => {
  const { cache, readsOf } = aCache()
  let arrive: () => void = () => undefined
  const slow = cache.get('a', () => new Promise((resolve) => (arrive = () => resolve({ proven: proven('a') }))))
  cache.evictCredential('key_a')
  arrive()
  await slow
  expect(await readsOf(['a'])).toBe(1)
})
