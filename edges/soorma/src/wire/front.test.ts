import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Logger } from '@soma/kernel'
import { type FrontBench, openFrontBench, type Tenant } from '../../testing/index.ts'

let wire: FrontBench
let tenant: Tenant
beforeAll(async () => {
  wire = await openFrontBench({ settings: { 'soorma.allowedOrigins': ['https://console.test'] } })
  tenant = await wire.onboard()
}, 60_000)
afterAll(() => wire.bench.close())

test('an unknown route, a wrong method and a trailing slash are answered as the original does, with our code and the trace in headers', async () => {
  const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`
  const unknown = await wire.ask('GET /v1/nothing', { headers: { traceparent } })
  expect([unknown.status, unknown.body]).toEqual([404, { detail: 'Not Found' }])
  expect(unknown.headers).toMatchObject({ 'x-soma-code': 'not-found', 'x-soma-trace': 'ab'.repeat(16) })
  const wrong = await wire.ask('DELETE /identity/v1/identity/onboarding')
  expect([wrong.status, wrong.body, wrong.headers.allow]).toEqual([405, { detail: 'Method Not Allowed' }, 'POST'])
  const slashed = await wire.ask('POST /v1/identity/onboarding/?a=1')
  expect([slashed.status, slashed.headers.location]).toEqual([307, '../onboarding?a=1'])
  expect((await wire.ask('GET /v1/nothing/')).status).toBe(404)
})

test('flaws of the input are listed as clients of the original know them', async () => {
  const post = (body: unknown) => wire.ask('POST /v1/identity/principals', { headers: tenant.admin, body })
  const missing = await post({ principal_type: 'agent' })
  expect([missing.status, missing.body.detail]).toEqual([
    422,
    [
      {
        type: 'missing',
        loc: ['body', 'tenantDomainId'],
        msg: 'Field required',
        input: { principal_type: 'agent' },
      },
    ],
  ])
  const wrong = await post({ tenantDomainId: tenant.tenantId, principal_type: 'root' })
  expect(wrong.body.detail[0]).toMatchObject({ type: 'enum', loc: ['body', 'principalType'], input: 'root' })
  const unreadable = await post('{"tenantDomainId": ')
  expect([unreadable.status, unreadable.body.detail[0]]).toMatchObject([
    422,
    { type: 'json_invalid', loc: ['body', 0] },
  ])
})

test('SOO-R20 a preflight is answered before anybody is proven, for pages of this machine and of the configured origins alone', async () => {
  const preflight = (origin: string) =>
    wire.ask('OPTIONS /v1/agents', {
      headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
    })
  for (const origin of ['http://localhost:5173', 'https://console.test']) {
    const answer = await preflight(origin)
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'authorization',
      vary: 'Origin',
    })
  }
  const foreign = await preflight('https://evil.test')
  expect([foreign.status, foreign.headers['access-control-allow-origin']]).toEqual([400, undefined])
  const simple = await wire.ask('GET /registry/health', { headers: { origin: 'https://evil.test' } })
  expect(simple.headers['access-control-allow-origin']).toBeUndefined()
})

test('each service has its root, its health and its document; the union has one document of all, and no root', async () => {
  expect((await wire.ask('GET /registry/')).body).toEqual({
    service: 'registry-service',
    version: '0.1.0',
    status: 'operational',
    docs: '/docs',
  })
  expect((await wire.ask('GET /registry/health')).body).toEqual({ status: 'healthy' })
  const document = (await wire.ask('GET /openapi.json')).body
  expect(document.openapi).toBe('3.1.0')
  const { post } = document.paths['/v1/identity/principals']
  expect(post.security).toEqual([{ 'admin-key': [] }])
  expect(post.requestBody.content['application/json'].schema).toMatchObject({
    type: 'object',
    required: ['tenantDomainId', 'principalType'],
  })
  expect(Object.keys(document.paths)).not.toContain('/health')
  expect(Object.keys((await wire.ask('GET /identity/openapi.json')).body.paths)).toContain('/health')
  expect((await wire.ask('GET /health')).status).toBe(404)
})

test('SOO-R20 legacy ports bind loopback; production opens them nowhere else, and shows no pages of documentation', async () => {
  const legacy = (mode: 'test' | 'production', host?: string) =>
    openFrontBench({
      mode,
      database: wire.bench.database,
      settings: {
        'soorma.enabled': true,
        'soorma.legacyPorts': [8081, 8082, 8083, 8084, 8085],
        ...(host === undefined ? {} : { 'soorma.legacyHost': host }),
      },
    })
  const hostsOf = async (...asked: Parameters<typeof legacy>) =>
    new Set((await legacy(...asked)).front.listeners.map(({ host }) => host))
  for (const mode of ['test', 'production'] as const) expect(await hostsOf(mode)).toEqual(new Set(['127.0.0.1']))
  expect(await hostsOf('test', '0.0.0.0')).toEqual(new Set(['0.0.0.0']))
  expect(await hostsOf('production', '::1')).toEqual(new Set(['::1']))
  for (const host of ['0.0.0.0', '::', '192.168.0.7', 'soma.test'])
    await expect(legacy('production', host)).rejects.toThrow(/put TLS in front/)
  const production = await legacy('production')
  for (const service of ['registry', 'events', 'memory', 'tracker', 'identity'])
    for (const page of ['docs', 'redoc']) expect((await production.ask(`GET /${service}/${page}`)).status).toBe(404)
})

test('SOO-R20 no key, secret or token is logged, whatever fails', async () => {
  const lines: string[] = []
  const write = (...line: unknown[]) =>
    void lines.push(line.map((part) => JSON.stringify(part, (_key, value) => textOf(value))).join(' '))
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  const settings = {
    'soorma.jwtSecret': 'a-secret-of-24-characters',
    'soorma.superuserKey': 'the-key-of-the-superuser',
  }
  const bench = await openFrontBench({ log, settings })
  try {
    const made = await bench.ask('POST /v1/identity/onboarding', {
      headers: { 'x-identity-admin-key': 'the-key-of-the-superuser' },
      body: {},
    })
    const { platformTenantId: tenantId, tenantAdminApiKey } = made.body
    const admin = { 'x-tenant-id': tenantId, 'x-identity-admin-key': tenantAdminApiKey }
    const principal = { tenantDomainId: tenantId, principalType: 'admin' }
    const { principalId } = (await bench.ask('POST /v1/identity/principals', { headers: admin, body: principal })).body
    const { token } = (await bench.ask('POST /v1/identity/tokens/issue', { headers: admin, body: { principalId } }))
      .body
    const authorization = `Bearer ${token}`
    const event = { source: 'a', type: 'a.b', topic: 'business-facts', tenant_id: tenantId, user_id: 'ann' }
    // The first fails inside: its module runs in no process.
    const failing = [
      await bench.ask('POST /v1/events/publish', { headers: { authorization }, body: { event } }),
      await bench.ask('GET /v1/agents', { headers: { authorization: `${authorization}x` } }),
      await bench.ask('GET /v1/agents?token=' + token, { headers: { authorization } }),
      await bench.ask('POST /v1/identity/tokens/issue', { headers: admin, body: `{"principalId": "${token}` }),
      await bench.ask('POST /v1/identity/onboarding', { headers: { 'x-identity-admin-key': token }, body: {} }),
    ]
    expect(failing.map(({ status }) => status)).toEqual([503, 401, 503, 422, 403])
    const issuer = { issuerId: 'i', jwkSetRefOrMaterial: '{}', audiencePolicyRef: 'a', claimMappingPolicyRef: 'm' }
    const trusted = await bench.ask('POST /v1/identity/delegated-issuers', {
      headers: admin,
      body: { tenantDomainId: tenantId, ...issuer },
    })
    const { delegatedIssuerId } = trusted.body
    const delegated = { principalId, issuanceType: 'delegated', delegatedIssuerId }
    await bench.ask('POST /v1/identity/tokens/issue', { headers: admin, body: delegated })
    expect(lines.join('\n')).toContain('without an assertion')
    const rotated = await bench.ask('POST /v1/identity/tenant-admin-credentials/rotate', { headers: admin, body: {} })
    const secrets = [token, tenantAdminApiKey, rotated.body.tenantAdminApiKey, ...Object.values(settings)]
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20)
      expect(lines.join('\n')).not.toContain(secret)
      expect(lines.join('\n')).not.toContain(secret.split('.').at(-1))
    }
  } finally {
    await bench.bench.close()
  }
})

/** An error says what it holds, too. */
const textOf = (value: unknown): unknown =>
  value instanceof Error
    ? {
        ...Object.fromEntries(Object.entries(value)),
        message: value.message,
        stack: value.stack,
        cause: textOf(value.cause),
      }
    : value
