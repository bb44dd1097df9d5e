import { afterAll, beforeAll, expect, test } from 'vitest'
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

test('a preflight is answered before anybody is proven, for pages of this machine and of the configured origins alone', async () => {
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
