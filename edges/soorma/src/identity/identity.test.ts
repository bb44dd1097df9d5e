import { createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FrontBench, openFrontBench, type Tenant } from '../../testing/index.ts'

let now = Date.parse('2026-04-18T10:00:00Z')
const clock = { now: () => new Date(now) }
let wire: FrontBench
let acme: Tenant
let beta: Tenant
beforeAll(async () => {
  wire = await openFrontBench({ clock })
  acme = await wire.onboard()
  beta = await wire.onboard()
}, 60_000)
afterAll(() => wire.bench.close())

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const issue = (tenant: Tenant, body: unknown, headers: Record<string, string> = {}) =>
  wire.ask('POST /v1/identity/tokens/issue', { headers: { ...tenant.admin, ...headers }, body })

test('onboarding makes a tenant for whoever has the superuser’s key, and for nobody else', async () => {
  expect(acme.tenantId).toMatch(/^ten_/)
  expect(acme.adminKey).toMatch(/^idadm\.key_[0-9a-z]{26}\.\w+$/)
  for (const headers of [{}, { 'x-identity-admin-key': 'wrong' }, { 'x-identity-admin-key': acme.adminKey }]) {
    const { status, body } = await wire.ask('POST /v1/identity/onboarding', { headers, body: {} })
    expect([status, body]).toEqual([403, { detail: 'Superuser authorization required' }])
  }
  const production = await openFrontBench({
    mode: 'production',
    settings: { 'soorma.enabled': true },
    database: wire.bench.database,
  })
  const headers = { 'x-identity-admin-key': 'dev-identity-admin' }
  expect((await production.ask('POST /v1/identity/onboarding', { headers, body: {} })).status).toBe(403)
})

test('SOO-R16 the same reference within 10 s is one tenant, afterwards another; no reference is always another', async () => {
  const [one, other] = await Promise.all([wire.onboard('example-01'), wire.onboard('example-01')])
  expect([other.tenantId, other.adminKey]).toEqual([one.tenantId, one.adminKey])
  now += 10_001
  expect((await wire.onboard('example-01')).tenantId).not.toBe(one.tenantId)
  expect((await wire.onboard('')).tenantId).not.toBe((await wire.onboard('')).tenantId)
})

test('a token of 15 minutes says who its principal is, verifies by the published keys, and opens what asks for a bearer', async () => {
  const principalId = await acme.principal('planner')
  const { body } = await issue(acme, { principal_id: principalId, service_tenant_id: 'shop', serviceUserId: 'alice' })
  expect(body.tokenType).toBe('Bearer')
  const [header, payload, signature] = body.token.split('.')
  const { alg, kid, typ } = JSON.parse(Buffer.from(header, 'base64url').toString())
  expect([alg, typ]).toEqual(['RS256', 'JWT'])
  const { keys } = (await wire.ask('GET /v1/identity/.well-known/jwks.json')).body
  const jwk = keys.find((key: { kid: string }) => key.kid === kid)
  expect(jwk).toMatchObject({ kty: 'RSA', use: 'sig', alg: 'RS256' })
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  expect(verify('sha256', Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(
    true,
  )
  const claims = claimsOf(body.token)
  expect(claims).toMatchObject({
    iss: 'soorma-identity-service',
    aud: 'soorma-services',
    sub: principalId,
    principal_id: principalId,
    principal_type: 'planner',
    roles: ['planner'],
    tenant_id: acme.tenantId,
    platform_tenant_id: acme.tenantId,
    tenant_domain_id: acme.tenantId,
    issuance_type: 'platform',
    service_tenant_id: 'shop',
    service_user_id: 'alice',
  })
  expect(claims.exp - claims.iat).toBe(900)
  const { issuer } = (await wire.ask('GET /v1/identity/.well-known/openid-configuration')).body
  expect(issuer).toBe(claims.iss)
  expect((await wire.ask('GET /events/', { headers: { authorization: `Bearer ${body.token}` } })).status).toBe(200)
})

test('SOO-R17 a revoked principal gets no token, and those it has are refused when what identity said is old', async () => {
  const principalId = await acme.principal('worker')
  const { token } = (await issue(acme, { principalId })).body
  const open = () => wire.ask('GET /events/', { headers: { authorization: `Bearer ${token}` } })
  expect((await open()).status).toBe(200)
  const revoked = await wire.ask(`POST /v1/identity/principals/${principalId}/revoke`, {
    headers: acme.admin,
    body: {},
  })
  expect(revoked.body).toEqual({ principalId, tenantDomainId: acme.tenantId, lifecycleState: 'revoked' })
  now += 120_000
  expect([(await open()).status, (await open()).body]).toEqual([401, { detail: 'Invalid JWT' }])
  const refused = await issue(acme, { principalId }, { 'X-Correlation-ID': 'c-1' })
  expect([refused.status, refused.body.detail]).toMatchObject([
    403,
    { code: 'principal_not_active', correlation_id: 'c-1' },
  ])
  const back = { tenantDomainId: acme.tenantId, principalType: 'tool', lifecycleState: 'active' }
  const updated = await wire.ask(`PUT /v1/identity/principals/${principalId}`, { headers: acme.admin, body: back })
  expect(updated.body.lifecycleState).toBe('active')
  expect(claimsOf((await issue(acme, { principalId })).body.token).principal_type).toBe('tool')
})

test('SOO-R18 rotating kills the key before, which belongs to one tenant alone', async () => {
  const rotate = (headers: Record<string, string>) =>
    wire.ask('POST /v1/identity/tenant-admin-credentials/rotate', { headers, body: {} })
  const gamma = await wire.onboard()
  const missing = await rotate({ 'x-identity-admin-key': gamma.adminKey })
  expect([missing.status, missing.body.detail]).toEqual([
    400,
    'X-Tenant-ID header is required for tenant admin authorization.',
  ])
  const bearerOfBeta = await beta.token('agent')
  for (const headers of [
    { 'x-tenant-id': gamma.tenantId },
    { ...gamma.admin, 'x-tenant-id': beta.tenantId },
    { ...gamma.admin, 'x-identity-admin-key': `${gamma.adminKey}0` },
    { ...gamma.admin, ...bearerOfBeta },
  ])
    expect(await rotate(headers)).toMatchObject({
      status: 403,
      body: { detail: 'Tenant admin authorization required' },
    })
  const { body } = await rotate(gamma.admin)
  expect(body).toMatchObject({ status: 'rotated', credentialId: gamma.adminKey.split('.')[1] })
  expect((await rotate(gamma.admin)).status).toBe(403)
  expect((await rotate({ ...gamma.admin, 'x-identity-admin-key': body.tenantAdminApiKey })).status).toBe(200)
})

test('SOO-R18 no administrator reaches another tenant: not its domain, not its principals', async () => {
  const create = (tenantDomainId: string) =>
    wire.ask('POST /v1/identity/principals', {
      headers: acme.admin,
      body: { tenantDomainId, principalType: 'agent' },
    })
  expect((await create(beta.tenantId)).status).toBe(403)
  expect((await create('ten_nowhere')).status).toBe(404)
  const theirs = await beta.principal('agent')
  const issued = await issue(acme, { principalId: theirs })
  expect([issued.status, issued.body.detail.code]).toEqual([404, 'principal_not_found'])
  const delegated = await issue(acme, { principalId: await acme.principal('agent'), issuanceType: 'delegated' })
  expect([delegated.status, delegated.body.detail.code]).toEqual([403, 'delegated_issuer_untrusted'])
  expect((await wire.ask(`POST /v1/identity/principals/${theirs}/revoke`, { headers: acme.admin })).status).toBe(404)
})
