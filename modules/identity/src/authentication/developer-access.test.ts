import { newTraceparent } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLATFORM_CAPABILITIES, ROLE_CAPABILITIES, toContext } from '../../contract/index.ts'
import { type Installation, openInstallation } from '../../testing/index.ts'

/** An embedded database opens in half a second, on a busy machine in many. */
const OPENING_MS = 60_000

let light: Installation
let full: Installation
beforeAll(async () => {
  light = await openInstallation({ mode: 'developer-light' })
  full = await openInstallation({ mode: 'developer-full', database: light.bench.database })
}, OPENING_MS)
afterAll(() => light.bench.close())

test('IDN-R49 from loopback without a credential one is the user developer of tenant default, with AgentAdmin and, there alone, the platform', async () => {
  const developer = await light.verify()
  expect(developer).toMatchObject({
    tenantId: 'default',
    userId: 'developer',
    method: 'developer',
    principal: { id: 'developer', kind: 'user', roles: ['AgentAdmin'] },
  })
  expect(developer.principal.capabilities).toEqual(
    expect.arrayContaining([...ROLE_CAPABILITIES.AgentAdmin, ...PLATFORM_CAPABILITIES]),
  )
  expect(await light.verify({ remoteAddress: '10.0.0.5' })).toMatchObject({
    method: 'none',
    principal: { capabilities: [] },
  })
  expect(await full.verify()).toMatchObject({ method: 'none' })
  const named = await light.verify({ userHeader: 'developer' })
  expect(named.principal.capabilities.filter((capability) => PLATFORM_CAPABILITIES.includes(capability))).toEqual([])
})

describe('headers', () => {
  test('name tenant, user and space; unknown ones are made, known ones are what they are', async () => {
    const ulla = await full.verify({ tenantHeader: 'Acme GmbH', userHeader: 'ulla@acme', spaceHeader: 's1' })
    expect(ulla).toMatchObject({
      tenantId: 'Acme GmbH',
      userId: 'ulla@acme',
      spaceId: 's1',
      method: 'developer',
      principal: { roles: ['AgentAdmin'] },
    })
    expect(
      full.bench.events
        .filter(({ type, tenantid }) => tenantid === 'Acme GmbH' && type.endsWith('.created'))
        .map(({ type }) => type),
    ).toEqual(['tenant.created', 'principal.created', 'role-binding.created'])
    const context = toContext(ulla, newTraceparent())
    const { items } = await full.identity.principals.list(context, {})
    expect(items.map(({ principalId }) => principalId)).toEqual(['ulla@acme'])
    await full.verify({ tenantHeader: 'Acme GmbH', userHeader: 'otto@acme' })
    await full.identity.principals.disable(context, { params: { principalId: 'otto@acme' }, body: {} })
    await expect(full.verify({ tenantHeader: 'Acme GmbH', userHeader: 'otto@acme' })).rejects.toMatchObject({
      code: 'unauthenticated',
    })
  })

  test('may name a tenant by an id that is the slug of another: they stay two', async () => {
    const operator = toContext(await light.verify(), newTraceparent())
    const body = { slug: 'acme', displayName: 'Acme', admin: { email: 'ada@acme.test' } }
    const { tenant } = await light.identity.tenants.create(operator, { body })
    const named = toContext(await light.verify({ tenantHeader: 'acme', userHeader: 'u' }), newTraceparent())
    expect(named.tenantId).toBe('acme')
    const { items } = await light.identity.tenants.list(named, {})
    expect(items).toMatchObject([{ tenantId: 'acme' }])
    expect(items[0]?.slug).not.toBe(tenant.slug)
  })

  test('of more than 128 characters are refused', async () => {
    await expect(full.verify({ userHeader: 'u'.repeat(129) })).rejects.toMatchObject({ code: 'unauthenticated' })
  })
})

test('no web page drives the machine: a host that is no loopback name and a foreign origin are refused', async () => {
  for (const host of ['evil.test', 'localhost.evil.test:7777', '10.0.0.1', undefined]) {
    await expect(light.verify(host === undefined ? { host: '' } : { host })).rejects.toMatchObject({
      code: 'origin-refused',
      status: 403,
    })
  }
  for (const origin of ['https://evil.test', 'null', 'http://localhost.evil.test']) {
    await expect(light.verify({ origin })).rejects.toMatchObject({ code: 'origin-refused' })
  }
  await light.verify({ origin: 'http://localhost:5173' })
  const allowed = await openInstallation({
    mode: 'developer-light',
    database: light.bench.database,
    settings: { 'identity.allowedOrigins': ['https://console.test'] },
  })
  await allowed.verify({ origin: 'https://console.test' })
})

test('IDN-R50 headers name tenant and user in the four developer and test modes alone; row-level security holds for them; in production they are refused and recorded', async () => {
  for (const mode of ['developer-light', 'developer-full', 'test', 'test-debug'] as const) {
    const installation = await openInstallation({ mode, database: light.bench.database })
    const [ours, theirs] = [`${mode}-ours`, `${mode}-theirs`]
    const named = await installation.verify({ tenantHeader: ours, userHeader: 'u', spaceHeader: 's' })
    expect(named).toMatchObject({ tenantId: ours, userId: 'u', spaceId: 's', method: 'developer' })
    const other = toContext(await installation.verify({ tenantHeader: theirs, userHeader: 'u2' }), newTraceparent())
    expect(
      (await installation.identity.principals.list(other, {})).items.map(({ principalId }) => principalId),
    ).toEqual(['u2'])
    await expect(installation.identity.tenants.get(other, { params: { tenantId: ours } })).rejects.toMatchObject({
      code: 'not-found',
    })
  }
  for (const mode of ['production', 'production-debug'] as const) {
    const installation = await openInstallation({ mode, database: light.bench.database })
    const attempt = installation.verify({ tenantHeader: 'default', userHeader: 'developer' })
    await expect(attempt).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
    for (const module of installation.bench.modules) await module.stop()
    expect(installation.bench.events.filter(({ type }) => type === 'auth.decided')).toMatchObject([
      { data: { outcome: 'denied', reason: 'headers-carry-no-authority', mode: 'strict', count: 1 } },
    ])
  }
})
