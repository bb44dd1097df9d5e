import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '@soma/governance/testing'
import { identityPorts, type Installation, nobody, openInstallation } from '../../testing/index.ts'
import { identityModule } from '../module.ts'

/** An embedded database opens in half a second, on a busy machine in many. */
const OPENING_MS = 60_000

let first: Installation
let second: Installation
const codes: string[] = []
const ports = {
  writeSetupCode: async (code: string) => {
    codes.push(code)
    return 'setup-code'
  },
}

beforeAll(async () => {
  first = await openInstallation({ ports })
  second = await openInstallation({ ports, database: first.bench.database })
}, OPENING_MS)
afterAll(() => first.bench.close())

const bootstrapBody = (changes: Record<string, unknown> = {}) => ({
  setupCode: codes[0] as string,
  email: 'ada@acme.test',
  tenant: { slug: 'acme', displayName: 'Acme' },
  ...changes,
})

describe('the first start', () => {
  test('IDN-R48 of processes that start together one makes the platform tenant, the default tenant and the signing key', {
    timeout: OPENING_MS,
  }, async () => {
    const database = await openDatabase([{ definition: identityModule, ports: identityPorts() }])
    const all = await Promise.all([1, 2, 3, 4].map(() => openInstallation({ ports: {}, database })))
    const made = all.flatMap(({ bench }) => bench.events).filter(({ type }) => type === 'tenant.created')
    expect(made.map(({ tenantid }) => tenantid).sort()).toEqual(['default', 'platform'])
    const sets = await Promise.all(all.map(({ identity }) => identity.metadata.jwks(nobody())))
    expect(sets[0]?.keys).toHaveLength(1)
    expect(new Set(sets.map(({ keys }) => keys[0]?.kid)).size).toBe(1)
    await database.close()
  })

  test('two processes that find no administrator offer one setup code', () => {
    expect(codes).toHaveLength(1)
    expect(codes[0]?.length).toBeGreaterThanOrEqual(32)
  })

  test('a wrong code is refused, and the reserved slugs belong to the installation', async () => {
    await expect(
      first.identity.bootstrap.create(nobody(), { body: bootstrapBody({ setupCode: 'wrong' }) }),
    ).rejects.toMatchObject({ code: 'unauthenticated' })
    for (const slug of ['platform', 'default']) {
      const body = bootstrapBody({ tenant: { slug, displayName: 'Mine' } })
      await expect(first.identity.bootstrap.create(nobody(), { body })).rejects.toMatchObject({ code: 'conflict' })
    }
  })

  test('of two who post the setup code at once one becomes the administrator, and the code never works again', async () => {
    const tries = await Promise.allSettled([
      first.identity.bootstrap.create(nobody(), { body: bootstrapBody() }),
      second.identity.bootstrap.create(nobody(), {
        body: bootstrapBody({ tenant: { slug: 'other', displayName: 'Other' } }),
      }),
    ])
    expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(tries.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'conflict', status: 409 },
    })
    await expect(first.identity.bootstrap.create(nobody(), { body: bootstrapBody() })).rejects.toMatchObject({
      code: 'conflict',
    })
    const made = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))[0]
    const [admin, operator] = [
      await first.as(made?.key.secret as string),
      await second.as(made?.platformKey.secret as string),
    ]
    expect(admin).toMatchObject({ tenantId: made?.tenant.tenantId, principal: { kind: 'user', roles: ['AgentAdmin'] } })
    expect(operator).toMatchObject({ tenantId: 'platform', principal: { roles: ['PlatformAdmin'] } })
    const tenants = await first.identity.tenants.list(operator, {})
    expect(tenants.items.map(({ slug }) => slug).sort()).toEqual(['acme', 'default', 'platform'])
    expect((await openInstallation({ ports, database: first.bench.database })) && codes).toHaveLength(1)
  })
})

describe('tenants', () => {
  test('are made by the platform operator, each with its administrator; a slug is taken once', {
    timeout: OPENING_MS,
  }, async () => {
    const installation = await openInstallation()
    const { operator, admin } = await installation.bootstrap()
    const body = { slug: 'globex', displayName: 'Globex', admin: { email: 'hank@globex.test' } }
    const made = await installation.identity.tenants.create(operator, { body })
    await expect(installation.identity.tenants.create(operator, { body })).rejects.toMatchObject({ code: 'conflict' })
    await expect(
      installation.identity.tenants.create(admin, { body: { ...body, slug: 'mine' } }),
    ).rejects.toMatchObject({ code: 'forbidden' })
    const hank = await installation.as(made.adminKey.secret)
    expect(hank).toMatchObject({ tenantId: made.tenant.tenantId, principal: { roles: ['AgentAdmin'] } })

    expect((await installation.identity.tenants.list(hank, {})).items.map(({ slug }) => slug)).toEqual(['globex'])
    const foreign = { params: { tenantId: admin.tenantId } }
    await expect(installation.identity.tenants.get(hank, foreign)).rejects.toMatchObject({ code: 'not-found' })
    await expect(
      installation.identity.tenants.update(hank, { ...foreign, body: { displayName: 'Pwned' }, ifMatch: 1 }),
    ).rejects.toMatchObject({ code: 'not-found' })

    const renamed = await installation.identity.tenants.update(hank, {
      params: { tenantId: hank.tenantId },
      body: { displayName: 'Globex Corporation' },
      ifMatch: 1,
    })
    expect(renamed).toMatchObject({ displayName: 'Globex Corporation', version: 2 })
    await expect(
      installation.identity.tenants.update(operator, {
        params: { tenantId: hank.tenantId },
        body: { displayName: 'x' },
        ifMatch: 1,
      }),
    ).rejects.toMatchObject({
      code: 'version-conflict',
    })
    await installation.bench.close()
  })
})
