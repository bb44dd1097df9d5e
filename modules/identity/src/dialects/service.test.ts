import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROLE_CAPABILITIES } from '../../contract/index.ts'
import { type Installation, moduleCaller, openInstallation } from '../../testing/index.ts'

let installation: Installation
beforeAll(async () => {
  installation = await openInstallation()
}, 60_000)
afterAll(() => installation.bench.close())

const params = { dialect: 'soorma' } as const
const within = (tenantId: string) => ({ ...moduleCaller(), tenantId })
const named = {
  principalId: 'sub-of-an-issuer',
  kind: 'agent' as const,
  displayName: 'sub-of-an-issuer',
  role: { name: 'soorma-worker', capabilities: ['event:publish', 'principal:act-for'] },
}

test("SOO-R17 a dialect's token verifies by the keys listed for it, which verify nothing of ours and are not listed as ours", async () => {
  const { identity } = installation
  const caller = moduleCaller()
  const { token } = await identity.dialectTokens.create(caller, { params, body: { claims: { sub: 'agt_1', exp: 1 } } })
  const { keys } = await identity.dialectKeys.list(caller, { params })
  const [header = '', claims = '', signature = ''] = token.split('.')
  const { kid, alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string; alg: string }
  expect(alg).toBe('RS256')
  const key = createPublicKey({ key: keys.find((entry) => entry.kid === kid) as JsonWebKey, format: 'jwk' })
  expect(verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true)
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({ sub: 'agt_1', exp: 1 })
  const own = await identity.metadata.jwks(caller, {})
  expect(own.keys.map((entry) => entry.kid)).not.toContain(kid)
  await expect(installation.verify({ authorization: `Bearer ${token}` })).rejects.toMatchObject({
    code: 'unauthenticated',
  })
})

test("a principal that an issuer names is made once, with the dialect's role; in a tenant that is not there only where the edge says so", async () => {
  const { identity } = installation
  await expect(
    identity.dialectPrincipals.ensure(within('their-tenant'), { params, body: named }),
  ).rejects.toMatchObject({ code: 'not-found' })
  const made = await identity.dialectPrincipals.ensure(within('their-tenant'), {
    params,
    body: { ...named, makesTenant: true },
  })
  expect(made).toEqual({
    principalId: 'sub-of-an-issuer',
    kind: 'agent',
    roles: ['soorma-worker'],
    capabilities: ['event:publish', 'principal:act-for'],
  })
  const again = await identity.dialectPrincipals.ensure(within('their-tenant'), {
    params,
    body: { ...named, role: { name: 'AgentAdmin', capabilities: [...ROLE_CAPABILITIES.AgentAdmin] } },
  })
  expect(again).toEqual(made)
})

test('nobody but a module of the platform has a token signed or a principal made', async () => {
  const { admin } = await installation.bootstrap()
  const { identity } = installation
  await expect(identity.dialectTokens.create(admin, { params, body: { claims: {} } })).rejects.toMatchObject({
    code: 'forbidden',
  })
  await expect(identity.dialectPrincipals.ensure(admin, { params, body: named })).rejects.toMatchObject({
    code: 'forbidden',
  })
})
