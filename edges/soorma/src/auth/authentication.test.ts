import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type FrontBench,
  type FrontBenchOptions,
  hs256,
  newRsaKey,
  openFrontBench,
  rs256,
  type Tenant,
  unsigned,
} from '../../testing/index.ts'

const SECRET = 'soorma-dev-jwt-secret-24'
const theirs = newRsaKey('theirs-1')
const stranger = newRsaKey('theirs-1')
const fixed = newRsaKey('default-rs256')

let own: FrontBench
let tenant: Tenant
let ownToken: string
const opened = async (options: FrontBenchOptions) => openFrontBench({ ...options, database: own.bench.database })

beforeAll(async () => {
  own = await openFrontBench()
  tenant = await own.onboard()
  ownToken = (await tenant.token('agent')).authorization?.slice('Bearer '.length) ?? ''
}, 60_000)
afterAll(() => own.bench.close())

/** What a route that asks for a bearer says: `ok`, or the detail of its 401. */
async function verdict(bench: FrontBench, authorization: string | undefined, headers: Record<string, string> = {}) {
  const { status, body } = await bench.ask('GET /events/', {
    headers: { ...(authorization === undefined ? {} : { authorization }), ...headers },
  })
  expect([200, 401]).toContain(status)
  return status === 200 ? 'ok' : body.detail
}
const says = (bench: FrontBench, token: string, headers?: Record<string, string>) =>
  verdict(bench, `Bearer ${token}`, headers)

describe('SOO-A3 each row of the authentication table', () => {
  test('SOO-A3 the open paths ask for nothing, and everything else for a bearer: no admin key and no other scheme is one', async () => {
    for (const path of [
      '/registry/health',
      '/registry/openapi.json',
      '/v1/identity/.well-known/openid-configuration',
      '/v1/identity/.well-known/jwks.json',
    ])
      expect((await own.ask(`GET ${path}`)).status).toBe(200)
    for (const path of ['/registry/docs', '/registry/redoc']) expect((await own.ask(`GET ${path}`)).status).toBe(404)
    expect(await verdict(own, undefined)).toBe('Missing bearer token')
    expect(await verdict(own, 'Basic dXNlcjpwYXNz')).toBe('Missing bearer token')
    for (const key of ['dev-identity-admin', tenant.adminKey, 'anything'])
      expect(await verdict(own, undefined, { 'x-identity-admin-key': key, 'x-tenant-id': tenant.tenantId })).toBe(
        'Missing bearer token',
      )
    expect(await verdict(own, `bearer ${ownToken}`)).toBe('ok')
    expect(await verdict(own, `BEARER ${ownToken}`)).toBe('ok')
  })

  test('SOO-A3 a bearer that fails is refused, whatever else is sent', async () => {
    const { status, body } = await own.ask('POST /v1/identity/onboarding', {
      headers: { authorization: 'Bearer nonsense', 'x-identity-admin-key': 'dev-identity-admin' },
      body: {},
    })
    expect([status, body]).toEqual([401, { detail: 'Invalid JWT' }])
  })

  test('SOO-A3 malformed, badly signed, expired and incomplete tokens are invalid, without leeway', async () => {
    const bench = await opened({ settings: { 'soorma.jwtSecret': SECRET } })
    expect(await says(bench, hs256(SECRET))).toBe('ok')
    const nowS = Math.floor(Date.now() / 1000)
    for (const token of [
      'nonsense',
      'a.b.c',
      `${unsigned()}.`,
      hs256('another-secret-of-24-chars'),
      hs256(SECRET, { claims: { exp: nowS - 1 } }),
      hs256(SECRET, { claims: { exp: undefined } }),
      hs256(SECRET, { claims: { platform_tenant_id: undefined } }),
      hs256(SECRET, { claims: { platform_tenant_id: 'x'.repeat(65), tenant_id: undefined } }),
    ])
      expect(await says(bench, token)).toBe('Invalid JWT')
    for (const alg of ['none', 'ES256', 'PS256', 'HS512', 'HS384', 'RS512', 'EdDSA', 7])
      expect(await says(bench, hs256(SECRET, { header: { alg } }))).toBe('Invalid JWT')
  })

  test('SOO-A3 HS256 needs a configured secret, and production takes none', async () => {
    expect(await says(own, hs256(SECRET))).toBe('JWT validation not configured')
    const production = await opened({ mode: 'production', settings: productionSettings })
    expect(await says(production, hs256(SECRET, { claims: trusted }))).toBe('JWT validation not configured')
  })

  test('SOO-A3 a key set that has keys is the last word: an unknown kid or a bad signature falls back to nothing', async () => {
    const bench = await opened({
      settings: { 'soorma.jwks': { keys: [theirs.jwk] }, 'soorma.jwtPublicKeyPem': fixed.pem },
    })
    expect(await says(bench, rs256(theirs))).toBe('ok')
    expect(await says(bench, rs256(stranger))).toBe('Invalid JWT')
    expect(await says(bench, rs256(fixed))).toBe('Invalid JWT')
    expect(await says(own, rs256(theirs))).toBe('Invalid JWT')
    expect(await says(own, ownToken)).toBe('ok')
    expect(await says(own, `${ownToken.slice(0, -8)}AAAAAAAA`)).toBe('Invalid JWT')
  })

  test('SOO-A3 with an empty key set, or one that cannot be had within its time, the fixed key of the kid verifies, and without one nothing does', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/jwks.json`
    try {
      for (const source of [{ 'soorma.jwks': { keys: [] } }, { 'soorma.jwksUrl': url, 'soorma.fetchTimeoutMs': 50 }]) {
        const bench = await opened({ settings: { ...source, 'soorma.jwtPublicKeyPem': fixed.pem } })
        expect(await says(bench, rs256(fixed))).toBe('ok')
        expect(await says(bench, rs256({ ...stranger, kid: fixed.kid }))).toBe('Invalid JWT')
        expect(await says(bench, rs256(theirs))).toBe('JWT validation not configured')
      }
      const byId = await opened({
        settings: { 'soorma.jwks': { keys: [] }, 'soorma.jwtPublicKeys': { [theirs.kid]: theirs.pem } },
      })
      expect(await says(byId, rs256(theirs))).toBe('ok')
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })

  test('SOO-A3 a key set that is fetched is asked for once', async () => {
    let requests = 0
    const issuer = createServer((_request, response) => {
      requests += 1
      response.end(JSON.stringify({ keys: [theirs.jwk] }))
    }).listen(0, '127.0.0.1')
    await once(issuer, 'listening')
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`
    try {
      const bench = await opened({ settings: { 'soorma.jwksUrl': url } })
      for (const _ of [1, 2]) expect(await says(bench, rs256(theirs))).toBe('ok')
      expect(requests).toBe(1)
    } finally {
      issuer.close()
    }
  })

  test('SOO-A3 a configured issuer and audience must be met; the issuer may come from the discovery document', async () => {
    const claims = { iss: 'https://issuer.test', aud: ['other', 'soorma'] }
    const bench = await opened({
      settings: {
        'soorma.jwtSecret': SECRET,
        'soorma.openidConfiguration': { issuer: 'https://issuer.test' },
        'soorma.jwtAudience': 'soorma',
      },
    })
    expect(await says(bench, hs256(SECRET, { claims }))).toBe('ok')
    for (const wrong of [{ iss: 'https://else.test' }, { iss: undefined }, { aud: undefined }, { aud: 'else' }])
      expect(await says(bench, hs256(SECRET, { claims: { ...claims, ...wrong } }))).toBe('Invalid JWT')
    const configured = await opened({
      settings: {
        'soorma.jwtSecret': SECRET,
        'soorma.jwtIssuer': 'https://first.test',
        'soorma.openidConfiguration': { issuer: 'https://issuer.test' },
      },
    })
    expect(await says(configured, hs256(SECRET, { claims: { iss: 'https://first.test' } }))).toBe('ok')
    expect(await says(configured, hs256(SECRET, { claims }))).toBe('Invalid JWT')
  })

  test('SOO-A3 production takes a token of another issuer only where issuer and audience are configured', async () => {
    const bench = await opened({ mode: 'production', settings: productionSettings })
    const inTenant = { ...trusted, platform_tenant_id: tenant.tenantId, tenant_id: tenant.tenantId }
    expect(await says(bench, rs256(theirs, { claims: inTenant }))).toBe('ok')
    expect(await says(bench, ownToken)).toBe('Invalid JWT')
    const nowhere = { ...trusted, platform_tenant_id: 'not-there', tenant_id: 'not-there' }
    expect(await says(bench, rs256(theirs, { claims: nowhere }))).toBe('Invalid JWT')
    for (const missing of ['soorma.jwtIssuer', 'soorma.jwtAudience']) {
      const without = await opened({ mode: 'production', settings: { ...productionSettings, [missing]: '' } })
      expect(await says(without, rs256(theirs, { claims: inTenant }))).toBe('JWT validation not configured')
    }
  })

  test('SOO-A3 principal types and roles have their form', async () => {
    const bench = await opened({ settings: { 'soorma.jwtSecret': SECRET } })
    for (const principal_type of ['admin', 'service', 'agent', 'user', 'developer', 'planner', 'worker', 'tool'])
      expect(
        await says(bench, hs256(SECRET, { claims: { principal_type, principal_id: `p-${principal_type}` } })),
      ).toBe('ok')
    for (const claims of [{ principal_type: 'root' }, { principal_type: 7 }, { roles: 'agent' }, { roles: {} }])
      expect(await says(bench, hs256(SECRET, { claims }))).toBe('Invalid JWT')
  })

  test('SOO-A3 headers that name somebody else than the token are refused, X-Tenant-ID is not compared, and two tenants in one token are none', async () => {
    const bench = await opened({ settings: { 'soorma.jwtSecret': SECRET } })
    const claims = { service_tenant_id: 'acme', service_user_id: 'alice' }
    const token = hs256(SECRET, { claims })
    expect(await says(bench, token, { 'x-service-tenant-id': 'acme', 'x-user-id': 'alice' })).toBe('ok')
    expect(await says(bench, token, { 'x-tenant-id': 'anything' })).toBe('ok')
    expect(await says(bench, token, { 'x-service-tenant-id': 'beta' })).toBe('Invalid JWT')
    expect(await says(bench, token, { 'x-user-id': 'bob' })).toBe('Invalid JWT')
    const projected = hs256(SECRET, { claims: { sub: 'sub-1', principal_id: undefined } })
    expect(await says(bench, projected, { 'x-service-tenant-id': 'their-tenant', 'x-user-id': 'sub-1' })).toBe('ok')
    expect(await says(bench, hs256(SECRET, { claims: { tenant_id: 'other-tenant' } }))).toBe('Invalid JWT')
  })
})

const trusted = { iss: 'https://issuer.test', aud: 'soorma' }
const productionSettings = {
  'soorma.enabled': true,
  'soorma.jwtSecret': SECRET,
  'soorma.jwtIssuer': trusted.iss,
  'soorma.jwtAudience': trusted.aud,
  'soorma.jwks': { keys: [theirs.jwk] },
}

test('a tenant that only a token names exists from then on where that is allowed, and the platform itself is nobody’s', async () => {
  const bench = await opened({ settings: { 'soorma.jwtSecret': SECRET } })
  const claims = { platform_tenant_id: 'seen-first', tenant_id: 'seen-first' }
  const strict = await opened({ settings: { 'soorma.jwtSecret': SECRET, 'soorma.justInTimeTenants': false } })
  expect(await says(strict, hs256(SECRET, { claims }))).toBe('Invalid JWT')
  expect(await says(bench, hs256(SECRET, { claims }))).toBe('ok')
  expect(await says(strict, hs256(SECRET, { claims }))).toBe('ok')
  expect(await says(bench, hs256(SECRET, { claims: { platform_tenant_id: 'platform', tenant_id: 'platform' } }))).toBe(
    'Invalid JWT',
  )
})
