import { type Context, type Database, newId } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installation, openInstallation } from '../../testing/index.ts'
import { formatKey, newSecret } from '../keys/key-format.ts'

/** An embedded database opens in half a second, on a busy machine in many. */
const OPENING_MS = 60_000

let installation: Installation
let admin: Context
let operator: Context
let adminKey: string
const identity = () => installation.identity

beforeAll(async () => {
  installation = await openInstallation({ settings: { 'identity.keyCacheMs': 5000 } })
  const first = await installation.bootstrap()
  admin = first.admin
  operator = first.operator
  adminKey = first.key
}, OPENING_MS)
afterAll(() => installation.bench.close())

const user = (roles: string[] = []) =>
  identity().principals.create(admin, { body: { kind: 'user', displayName: 'Ulla', roles } })
const keyFor = (principalId: string, scopes: string[], changes: Record<string, unknown> = {}) =>
  identity().keys.create(admin, { body: { principalId, name: 'test', scopes, ...changes } })
const refusal = { code: 'unauthenticated', status: 401, message: 'the credential is missing or not valid' }

describe('an API key', () => {
  test('IDN-R18 belongs to one principal and tenant, and is worth its scopes ∩ what the principal holds at that moment', async () => {
    const { principalId } = await user(['Observer'])
    const key = await keyFor(principalId, ['plan:read', 'plan:run', 'memory:*'])
    const before = await installation.as(key.secret)
    expect(before).toMatchObject({
      tenantId: admin.tenantId,
      userId: principalId,
      method: 'api-key',
      credentialId: key.keyId,
      principal: { id: principalId, roles: ['Observer'] },
    })
    expect(before.principal.capabilities).toEqual(['plan:read', 'memory:read'])
    await identity().roleBindings.create(admin, { body: { principalId, roleId: 'User' } })
    expect((await installation.as(key.secret)).principal.capabilities).toEqual(
      expect.arrayContaining(['plan:read', 'plan:run', 'memory:write']),
    )
    const tooLong = keyFor(principalId, ['plan:read'], {
      expiresAt: new Date(Date.now() + 366 * 86_400_000).toISOString(),
    })
    await expect(tooLong).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [{ pointer: '/body/expiresAt' }] },
    })
  })

  test('IDN-R17 is shown once, kept as a hash, refused without a read when its checksum is wrong, and nothing tells an unknown key from a wrong one', async () => {
    const key = await keyFor(admin.principal.id, ['plan:read'])
    expect(key.secret).toMatch(/^soma_[0-9a-hjkmnp-tv-z]{26}_[0-9A-Za-z]{49}$/)
    expect(await identity().keys.get(admin, { params: { keyId: key.keyId } })).not.toHaveProperty('secret')
    const rows = await installation.bench.database.transaction(
      { role: 'soma_worker', tenantId: admin.tenantId },
      (session) => session.query('select * from identity.keys'),
    )
    expect(JSON.stringify(rows)).not.toContain(key.secret.slice(32, 75))
    const events = JSON.stringify(installation.bench.events)
    expect(events).toContain(key.keyId)
    expect(events).not.toContain(key.secret.slice(32, 75))
    const { installation: watched, transactions } = await openWatched()
    const typo = key.secret.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    const before = transactions()
    await expect(watched.as(typo)).rejects.toMatchObject(refusal)
    expect(transactions()).toBe(before)
    const wrong = formatKey(key.keyId, newSecret())
    const unknown = formatKey(newId('key'), newSecret())
    for (const secret of [wrong, unknown, key.secret.slice(0, -1), `${key.secret}0`, typo]) {
      await expect(installation.as(secret)).rejects.toMatchObject(refusal)
    }
  })

  test('is not worth more than its maker, and a scope that does not exist is named', async () => {
    const { principalId } = await user(['Observer'])
    const own = await installation.as((await keyFor(principalId, ['plan:read'])).secret)
    const beyond = identity().keys.create(own, { body: { name: 'more', scopes: ['plan:read', 'plan:run'] } })
    await expect(beyond).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [{ pointer: '/body/scopes/1', code: 'beyond-maker' }] },
    })
    await expect(keyFor(principalId, ['plan:fly'])).rejects.toMatchObject({
      code: 'invalid-request',
      extensions: { errors: [{ pointer: '/body/scopes/0' }] },
    })
  })

  test('revoked, rotated away or of a disabled principal is refused at once in this process, although it was just verified', async () => {
    const { principalId } = await user(['User'])
    const key = await keyFor(principalId, ['plan:read'])
    await installation.as(key.secret)
    const rotated = await identity().keys.rotate(admin, { params: { keyId: key.keyId }, body: { overlapMs: 60_000 } })
    expect(rotated).toMatchObject({ keyId: key.keyId, scopes: key.scopes })
    await installation.as(key.secret)
    await installation.as(rotated.secret)
    const again = await identity().keys.rotate(admin, { params: { keyId: key.keyId }, body: {} })
    await expect(installation.as(rotated.secret)).rejects.toMatchObject(refusal)
    await identity().principals.disable(admin, { params: { principalId }, body: { reason: 'left' } })
    await expect(installation.as(again.secret)).rejects.toMatchObject(refusal)
    await identity().principals.enable(admin, { params: { principalId }, body: {} })
    await installation.as(again.secret)
    await identity().keys.revoke(admin, { params: { keyId: key.keyId } })
    await expect(installation.as(again.secret)).rejects.toMatchObject(refusal)
  })

  test('of others cannot be seen or used up without key:manage, of another tenant not at all', async () => {
    const { principalId } = await user(['User'])
    const own = await keyFor(principalId, ['plan:read'])
    const caller = await installation.as(own.secret)
    const [adminsKey] = (await identity().keys.list(admin, { query: { principalId: admin.principal.id } })).items
    const params = { keyId: adminsKey?.keyId as string }
    for (const attempt of [
      () => identity().keys.get(caller, { params }),
      () => identity().keys.rotate(operator, { params, body: {} }),
      () => identity().keys.revoke(caller, { params }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'not-found', message: `no key ${params.keyId}` })
    }
    expect((await identity().keys.list(caller, {})).items.map(({ keyId }) => keyId)).toEqual([own.keyId])
    await installation.as(adminKey)
  })
})

describe('a token', () => {
  const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString())
  const issue = async (context: Context, body = {}) => (await identity().tokens.create(context, { body })).accessToken

  test('carries its principal, tenant and rights, narrowed when asked, and never more than the credential it was asked with', async () => {
    const { principalId } = await user(['User'])
    const key = await installation.as((await keyFor(principalId, ['plan:read', 'memory:read'])).secret)
    const claims = claimsOf(await issue(key))
    expect(claims).toMatchObject({
      iss: 'https://soma.test',
      aud: 'soma',
      sub: principalId,
      tenant: admin.tenantId,
      tenant_id: admin.tenantId,
      user_id: principalId,
      kind: 'user',
    })
    expect((await installation.as(await issue(key))).principal.capabilities.toSorted()).toEqual([
      'memory:read',
      'plan:read',
    ])
    expect(
      (await installation.as(await issue(key, { scopes: ['plan:read', 'plan:control'] }))).principal.capabilities,
    ).toEqual(['plan:read'])
  })

  test('IDN-R22 lives ten minutes by default, and leaves out its rights where the list would pass 4 KiB', async () => {
    const before = Date.now()
    const { accessToken, expiresAt } = await identity().tokens.create(admin, { body: {} })
    expect(Math.abs(Date.parse(expiresAt) - before - 600_000)).toBeLessThan(3000)
    expect(
      (await identity().tokens.create(admin, { body: { ttlMs: 3_600_000 } })).expiresAt <=
        new Date(Date.now() + 600_000).toISOString(),
    ).toBe(true)
    expect(accessToken.length).toBeLessThanOrEqual(4096)
    expect(claimsOf(accessToken).caps).toEqual(admin.principal.capabilities)

    const many = []
    for (let index = 0; index < 19; index++) {
      many.push(
        (
          await identity().roles.create(admin, {
            body: { name: `R${index}-${'x'.repeat(58)}`, capabilities: ['plan:read'] },
          })
        ).roleId,
      )
    }
    const big = await user(['AgentAdmin', ...many])
    const holder = await installation.as((await keyFor(big.principalId, [...admin.principal.capabilities])).secret)
    const short = await issue(holder)
    expect(claimsOf(short)).toMatchObject({ roles: expect.arrayContaining(['AgentAdmin']), epoch: expect.any(Number) })
    expect(claimsOf(short)).not.toHaveProperty('caps')
    expect((await installation.as(short)).principal.capabilities).toEqual(holder.principal.capabilities)
    const { principalId } = await user(['User'])
    const small = await issue(await installation.as((await keyFor(principalId, ['plan:*'])).secret))
    expect(claimsOf(small)).toMatchObject({
      caps: ['plan:read', 'plan:run'],
    })
  })

  test('IDN-R23 of an older epoch than its principal is refused, although it has not expired', async () => {
    const { principalId } = await user(['User'])
    const token = await issue(await installation.as((await keyFor(principalId, ['plan:read'])).secret))
    await installation.as(token)
    const binding = await identity().roleBindings.create(admin, { body: { principalId, roleId: 'Observer' } })
    await expect(installation.as(token)).rejects.toMatchObject(refusal)
    const newer = await issue(await installation.as((await keyFor(principalId, ['plan:read'])).secret))
    await identity().roleBindings.delete(admin, { params: { bindingId: binding.bindingId } })
    await expect(installation.as(newer)).rejects.toMatchObject(refusal)
  })

  test('is refused once it is revoked', async () => {
    const token = await issue(admin)
    await installation.as(token)
    await identity().tokens.revoke(admin, { body: { token } })
    await expect(installation.as(token)).rejects.toMatchObject(refusal)
  })

  test('is signed by the old key until the new one has been published for its lead, and the private halves are stored sealed', async () => {
    const kidOf = async () =>
      JSON.parse(Buffer.from((await issue(admin)).split('.')[0] as string, 'base64url').toString()).kid
    const before = await kidOf()
    const next = await identity().signingKeys.rotate(operator, { body: {} })
    expect(Math.abs(Date.parse(next.activeAt) - Date.parse(next.createdAt) - 900_000)).toBeLessThan(1000)
    expect(await kidOf()).toBe(before)
    const { items } = await identity().signingKeys.list(operator)
    const old = items.find(({ kid }) => kid === before)
    expect(old?.status).toBe('active')
    expect(Math.abs(Date.parse(old?.retiredAt as string) - Date.parse(next.activeAt) - 630_000)).toBeLessThan(1000)
    const rows = await installation.bench.database.transaction(
      { role: 'soma_worker', tenantId: 'platform' },
      (session) => session.query<{ private_sealed: string }>('select private_sealed from identity.signing_keys'),
    )
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(Buffer.from(row.private_sealed, 'base64').toString('latin1')).not.toContain('"d"')
    await identity().signingKeys.rotate(operator, { body: { emergency: true } })
  })

  test('is signed by a new key by itself when the old one has signed for 30 days', async () => {
    const later = await openInstallation({
      database: installation.bench.database,
      clock: { now: () => new Date(Date.now() + 31 * 86_400_000) },
    })
    const kids = async () =>
      (await identity().signingKeys.list(operator)).items
        .filter(({ status }) => status !== 'retired')
        .map(({ kid }) => kid)
    const before = await kids()
    await later.bench.runJob('rotate-signing-keys')
    expect(await kids()).toEqual([...before, expect.any(String)])
    await installation.bench.runJob('rotate-signing-keys')
    expect(await kids()).toHaveLength(before.length + 1)
    await identity().signingKeys.rotate(operator, { body: { emergency: true } })
  })

  test('goes on through a rotation of signing keys, and dies in an emergency', async () => {
    const old = await issue(admin)
    const next = await identity().signingKeys.rotate(operator, { body: {} })
    expect(next.status).toBe('next')
    expect((await identity().metadata.jwks(admin)).keys).toHaveLength(2)
    await installation.as(await issue(admin))
    await installation.as(old)
    await identity().signingKeys.rotate(operator, { body: { emergency: true } })
    expect((await identity().metadata.jwks(admin)).keys).toHaveLength(1)
    await expect(installation.as(old)).rejects.toMatchObject(refusal)
    await installation.as(await issue(admin))
    const text = JSON.stringify([await identity().metadata.jwks(admin), await identity().signingKeys.list(operator)])
    expect(text).not.toContain('"d"')
  })
})

describe('in strict mode', () => {
  test('IDN-R51 a credential that fails never falls back to anything, and one beside headers that name somebody else is refused', {
    timeout: OPENING_MS,
  }, async () => {
    for (const authorization of ['Bearer nonsense', 'Basic YTpi', 'Bearer ', 'Bearer soma_x']) {
      await expect(installation.verify({ authorization })).rejects.toMatchObject(refusal)
      const developer = await openDeveloper()
      await expect(developer.verify({ authorization })).rejects.toMatchObject(refusal)
      await expect(developer.verify({ authorization, tenantHeader: 't', userHeader: 'u' })).rejects.toMatchObject(
        refusal,
      )
    }
    const authorization = `Bearer ${adminKey}`
    for (const headers of [{ tenantHeader: 'other' }, { userHeader: 'usr_other' }, { spaceHeader: 'other' }]) {
      await expect(installation.verify({ authorization, ...headers })).rejects.toMatchObject({
        code: 'forbidden',
        status: 403,
      })
    }
    await installation.verify({ authorization, tenantHeader: admin.tenantId, userHeader: admin.principal.id })
  })

  test('headers carry no authority, and a request without anything is nobody', async () => {
    await expect(
      installation.verify({ tenantHeader: admin.tenantId, userHeader: admin.principal.id }),
    ).rejects.toMatchObject(refusal)
    expect(await installation.verify()).toMatchObject({ method: 'none', principal: { capabilities: [] } })
  })

  test('refusals are recorded with their true reason, merged, and without the credential', {
    timeout: OPENING_MS,
  }, async () => {
    const fresh = await openInstallation()
    for (let attempt = 0; attempt < 50; attempt++)
      await expect(fresh.as(formatKey(newId('key'), newSecret()))).rejects.toMatchObject(refusal)
    await fresh.bench.close()
    const decided = fresh.bench.events.filter(({ type }) => type === 'auth.decided')
    const counts = decided.map(({ data }) => data as { count: number; reason: string; outcome: string })
    expect(counts.every(({ reason, outcome }) => reason === 'key-unknown' && outcome === 'denied')).toBe(true)
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(50)
    expect(decided.length).toBeLessThan(10)
    expect(JSON.stringify(decided)).not.toContain('soma_')
  })
})

/** A second process on the same database whose transactions are counted. */
async function openWatched() {
  let count = 0
  const { database } = installation.bench
  const transaction: Database['transaction'] = (scope, work) => {
    count += 1
    return database.transaction(scope, work)
  }
  return { installation: await openInstallation({ database: { ...database, transaction } }), transactions: () => count }
}

let developerInstallation: Promise<Installation> | undefined
const openDeveloper = () => (developerInstallation ??= openInstallation({ mode: 'developer-light' }))
afterAll(async () => (await developerInstallation)?.bench.close())
