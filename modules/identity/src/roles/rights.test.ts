import { type Context, operation } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installation, openInstallation } from '../../testing/index.ts'

/** An embedded database opens in half a second, on a busy machine in many. */
const OPENING_MS = 60_000

let installation: Installation
let admin: Context
let operator: Context
const identity = () => installation.identity

beforeAll(async () => {
  installation = await openInstallation()
  const first = await installation.bootstrap()
  admin = first.admin
  operator = first.operator
}, OPENING_MS)
afterAll(() => installation.bench.close())

const signIn = async (roles: string[]): Promise<Context> => {
  const { principalId } = await identity().principals.create(admin, {
    body: { kind: 'user', displayName: 'Uli', roles },
  })
  const { secret } = await identity().keys.create(admin, {
    body: { principalId, name: 'all', scopes: admin.principal.capabilities as string[] },
  })
  return installation.as(secret)
}

describe('rights', () => {
  test('IDN-R7 a new principal holds no capability at all, and an operation without a capability does not compile', async () => {
    // @ts-expect-error -- the build fails: an operation says who may call it
    operation({ method: 'GET', path: '/v1/nothing', summary: 'Says nothing of who may.' })
    const nobodyYet = await signIn([])
    expect(nobodyYet.principal).toMatchObject({ roles: [], capabilities: [] })
    await expect(identity().principals.list(nobodyYet, {})).rejects.toMatchObject({
      code: 'forbidden',
      extensions: { capability: 'principal:read' },
    })
    expect(await identity().me.get(nobodyYet)).toMatchObject({
      principalId: nobodyYet.principal.id,
      capabilities: [],
      method: 'api-key',
    })
  })

  test('nobody grants what they do not hold, and nobody raises their own', async () => {
    const role = await identity().roles.create(admin, {
      body: { name: 'RoleKeeper', capabilities: ['role:read', 'role:manage', 'principal:read', 'principal:manage'] },
    })
    const keeper = await signIn([role.roleId])
    const attempt = (principalId: string, roleId: string) =>
      identity().roleBindings.create(keeper, { body: { principalId, roleId } })
    const other = await signIn([])
    for (const roleId of ['AgentAdmin', 'Observer', 'Guest']) {
      for (const principalId of [keeper.principal.id, other.principal.id])
        await expect(attempt(principalId, roleId)).rejects.toMatchObject({ code: 'forbidden' })
    }
    await expect(
      identity().roles.create(keeper, { body: { name: 'Bigger', capabilities: ['plan:run'] } }),
    ).rejects.toMatchObject({ code: 'forbidden' })
    await expect(
      identity().principals.create(keeper, { body: { kind: 'user', displayName: 'Sock puppet', roles: ['User'] } }),
    ).rejects.toMatchObject({ code: 'forbidden' })
    expect(await attempt(other.principal.id, role.roleId)).toMatchObject({ roleName: 'RoleKeeper' })
  })

  test('an AgentAdmin grants to others, one by one, what it does not hold, but not to itself; PlatformAdmin is of the platform', async () => {
    const role = await identity()
      .roles.create(operator, { body: { name: 'x', capabilities: ['plan:read'] } })
      .catch((error: Error) => error)
    expect(role).toMatchObject({ name: 'x' })
    const actor = await identity().roles.create(admin, { body: { name: 'Actor', capabilities: ['principal:act-for'] } })
    const service = await identity().principals.create(admin, { body: { kind: 'service', displayName: 'Bridge' } })
    expect(service).toMatchObject({ kind: 'service', ownerId: admin.principal.id })
    await identity().roleBindings.create(admin, { body: { principalId: service.principalId, roleId: actor.roleId } })
    const self = { body: { principalId: admin.principal.id, roleId: actor.roleId } }
    await expect(identity().roleBindings.create(admin, self)).rejects.toMatchObject({
      code: 'forbidden',
      extensions: { capability: 'principal:act-for' },
    })
    const platform = { body: { principalId: service.principalId, roleId: 'PlatformAdmin' } }
    await expect(identity().roleBindings.create(admin, platform)).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('the last active AgentAdmin cannot be disabled or unbound', async () => {
    const [binding] = (await identity().roleBindings.list(admin, { query: { principalId: admin.principal.id } })).items
    const unbind = () => identity().roleBindings.delete(admin, { params: { bindingId: binding?.bindingId as string } })
    const disable = () =>
      identity().principals.disable(admin, { params: { principalId: admin.principal.id }, body: {} })
    await expect(unbind()).rejects.toMatchObject({ code: 'conflict' })
    await expect(disable()).rejects.toMatchObject({ code: 'conflict' })
    const second = await signIn(['AgentAdmin'])
    await disable()
    await expect(
      identity().principals.disable(second, { params: { principalId: second.principal.id }, body: {} }),
    ).rejects.toMatchObject({ code: 'conflict' })
    await identity().principals.enable(second, { params: { principalId: admin.principal.id }, body: {} })
    await identity().principals.disable(second, { params: { principalId: second.principal.id }, body: {} })
  })

  test('access says through which role a capability is held, and what is missing', async () => {
    const observer = await signIn(['Observer'])
    const ask = (context: Context, query: { principalId?: string; capability: string }) =>
      identity().access.get(context, { query })
    expect(await ask(observer, { capability: 'plan:read' })).toMatchObject({
      held: true,
      through: [{ roleId: 'Observer' }],
    })
    expect(await ask(observer, { capability: 'plan:run' })).toEqual({ held: false, through: [], missing: 'plan:run' })
    expect(await ask(admin, { principalId: observer.principal.id, capability: 'plan:read' })).toMatchObject({
      held: true,
    })
    const user = await signIn(['User'])
    await expect(ask(user, { principalId: observer.principal.id, capability: 'plan:read' })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  test('a role of the tenant is taken from all at once when it is deleted; built-in ones stay', async () => {
    const role = await identity().roles.create(admin, { body: { name: 'Temporary', capabilities: ['memory:*'] } })
    const holder = await signIn([role.roleId])
    expect(holder.principal.capabilities).toContain('memory:forget')
    await identity().roles.delete(admin, { params: { roleId: role.roleId }, ifMatch: role.version })
    expect(await identity().principals.get(admin, { params: { principalId: holder.principal.id } })).toMatchObject({
      roles: [],
    })
    await expect(identity().roles.delete(admin, { params: { roleId: 'User' }, ifMatch: 1 })).rejects.toMatchObject({
      code: 'conflict',
    })
    await expect(
      identity().roles.create(admin, { body: { name: 'All', capabilities: ['*:*'] } }),
    ).rejects.toMatchObject({ code: 'invalid-request' })
  })
})

test('what a principal holds is told to modules of its tenant, and nobody acts for one that is not active', async () => {
  const observer = await signIn(['Observer'])
  const asModule: Context = { ...admin, method: 'module' }
  const resolve = (context: Context) =>
    identity().credentials.resolve(context, { body: { principalId: observer.principal.id } })
  expect(await resolve(asModule)).toMatchObject({ roles: ['Observer'], capabilities: observer.principal.capabilities })
  await expect(resolve(admin)).rejects.toMatchObject({ code: 'forbidden' })
  await expect(resolve({ ...asModule, tenantId: 'default' })).rejects.toMatchObject({ code: 'not-found' })
  await identity().principals.disable(admin, { params: { principalId: observer.principal.id }, body: {} })
  await expect(resolve(asModule)).rejects.toMatchObject({ code: 'not-found' })
})

describe('another tenant', () => {
  test("an admin of one tenant finds nothing of the other's: principals, roles, bindings, keys look absent", async () => {
    const made = await identity().tenants.create(operator, {
      body: { slug: 'globex', displayName: 'Globex', admin: { email: 'hank@globex.test' } },
    })
    const hank = await installation.as(made.adminKey.secret)
    const role = await identity().roles.create(admin, { body: { name: 'Ours', capabilities: ['plan:read'] } })
    const params = { principalId: admin.principal.id }
    const attempts = [
      () => identity().principals.get(hank, { params }),
      () => identity().principals.disable(hank, { params, body: {} }),
      () => identity().principals.update(hank, { params, body: { displayName: 'x' }, ifMatch: 1 }),
      () => identity().roles.get(hank, { params: { roleId: role.roleId } }),
      () => identity().access.get(hank, { query: { ...params, capability: 'plan:read' } }),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'not-found' })
    await expect(identity().roleBindings.create(hank, { body: { ...params, roleId: 'User' } })).rejects.toMatchObject({
      code: 'invalid-request',
    })
    expect((await identity().principals.list(hank, {})).items.map(({ principalId }) => principalId)).toEqual([
      hank.principal.id,
    ])
    expect((await identity().roleBindings.list(hank, {})).items.map(({ principalId }) => principalId)).toEqual([
      hank.principal.id,
    ])
  })
})

test('IDN-R59 each change writes one change.recorded in its transaction, with actor and reason, and with e-mail addresses masked', async () => {
  const events = installation.bench.events
  const from = events.length
  const made = await identity().principals.create(admin, {
    body: { kind: 'user', displayName: 'Vera', email: 'vera@acme.test' },
  })
  await identity().principals.update(admin, {
    params: { principalId: made.principalId },
    body: { email: 'v@acme.test', displayName: 'V' },
    ifMatch: made.version,
  })
  await identity().principals.disable(admin, {
    params: { principalId: made.principalId },
    body: { reason: 'on leave' },
  })
  await identity().roles.create(admin, { body: { name: 'Rec', capabilities: ['plan:read'] } })
  const key = await identity().keys.create(admin, { body: { name: 'k', scopes: ['plan:read'] } })
  await identity().keys.rotate(admin, { params: { keyId: key.keyId }, body: {} })
  await identity().keys.revoke(admin, { params: { keyId: key.keyId } })
  await identity().signingKeys.rotate(operator, { body: {} })
  await identity().tenants.create(operator, {
    body: { slug: 'initech', displayName: 'Initech', admin: { email: 'bill@initech.test' } },
  })
  const recorded = events.slice(from).filter(({ type }) => type === 'change.recorded')
  const data = recorded.map(
    (event) => event.data as { action: string; actor: { id: string }; reason?: string; diff: unknown[] },
  )
  expect(data.map(({ action }) => action)).toEqual([
    'principal.create',
    'principal.update',
    'principal.disable',
    'role.create',
    'key.create',
    'key.rotate',
    'key.revoke',
    'signing-key.rotate',
    'tenant.create',
    'principal.create',
    'role-binding.create',
    'key.create',
  ])
  expect(new Set(data.slice(0, 7).map(({ actor }) => actor.id))).toEqual(new Set([admin.principal.id]))
  expect(data[2]).toMatchObject({
    reason: 'on leave',
    diff: [{ member: 'status', before: 'active', after: 'disabled' }],
  })
  expect(data[1]?.diff).toEqual(
    expect.arrayContaining([
      { member: 'email', before: '***', after: '***' },
      { member: 'displayName', before: 'Vera', after: 'V' },
    ]),
  )
  expect(JSON.stringify(events)).not.toContain('@acme.test')
})
