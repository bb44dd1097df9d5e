import type { Logger } from '@soma/kernel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type FrontBench,
  hs256,
  newRsaKey,
  openFrontBench,
  type RsaKeyPair,
  rs256,
  type Tenant,
  unsigned,
} from '../../testing/index.ts'

const now = Date.parse('2026-04-18T10:00:00Z')
const clock = { now: () => new Date(now) }
const KEY = newRsaKey('their-key')
/** What was logged, as text. */
const lines: string[] = []
const write = (...line: unknown[]) => void lines.push(JSON.stringify(line))
const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
let wire: FrontBench
let production: FrontBench
let acme: Tenant
let beta: Tenant
beforeAll(async () => {
  wire = await openFrontBench({ clock, log })
  production = await openFrontBench({
    mode: 'production',
    clock,
    settings: { 'soorma.enabled': true },
    database: wire.bench.database,
  })
  acme = await wire.onboard()
  beta = await wire.onboard()
}, 60_000)
afterAll(() => wire.bench.close())

const anIssuer = (tenant: Tenant, more: object = {}) => ({
  tenantDomainId: tenant.tenantId,
  issuerId: 'https://issuer.test',
  jwkSetRefOrMaterial: JSON.stringify({ keys: [KEY.jwk] }),
  audiencePolicyRef: 'soma',
  claimMappingPolicyRef: 'default',
  ...more,
})
const post = (tenant: Tenant, path: string, body: unknown, bench = wire) =>
  bench.ask(`POST /v1/identity/${path}`, { headers: tenant.admin, body })
const trust = async (tenant: Tenant, more: object = {}): Promise<string> =>
  (await post(tenant, 'delegated-issuers', anIssuer(tenant, more))).body.delegatedIssuerId
const claims = (more: object = {}) => ({
  iss: 'https://issuer.test',
  aud: 'soma',
  exp: now / 1000 + 60,
  ...more,
})
const said = (more: object, key: RsaKeyPair = KEY) => rs256(key, { claims: claims(more) })
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

test('SOO-R18 an issuer is trusted by its administrator, changed by its id, and is one of its own tenant alone', async () => {
  const made = await post(acme, 'delegated-issuers', anIssuer(acme))
  expect([made.status, made.body]).toEqual([
    200,
    { delegatedIssuerId: expect.stringMatching(/^dis_/), issuerId: 'https://issuer.test', status: 'active' },
  ])
  const change = (tenant: Tenant, id: string, body: object) =>
    wire.ask(`PUT /v1/identity/delegated-issuers/${id}`, { headers: tenant.admin, body })
  const { delegatedIssuerId: id } = made.body
  const changed = await change(acme, id, anIssuer(acme, { issuerId: 'https://other.test' }))
  expect([changed.status, changed.body.issuerId]).toEqual([200, 'https://other.test'])
  const foreign = await change(beta, id, anIssuer(beta))
  expect([foreign.status, foreign.body]).toEqual([404, { detail: 'Delegated issuer not found' }])
  for (const answer of [await change(acme, id, anIssuer(beta)), await post(acme, 'delegated-issuers', anIssuer(beta))])
    expect([answer.status, answer.body]).toEqual([403, { detail: 'Tenant domain belongs to another platform tenant' }])
  expect((await post(acme, 'delegated-issuers', anIssuer(acme, { tenantDomainId: 'ten_no' }))).status).toBe(404)
  const { detail } = (await post(acme, 'delegated-issuers', { tenantDomainId: acme.tenantId })).body
  expect(detail.map(({ loc }: { loc: string[] }) => loc[1])).toEqual([
    ...['issuerId', 'jwkSetRefOrMaterial', 'audiencePolicyRef', 'claimMappingPolicyRef'],
  ])
  const withoutKey = await wire.ask('POST /v1/identity/delegated-issuers', { body: anIssuer(acme) })
  expect(withoutKey.status).toBe(400)
})

test('SOO-R17 a delegated token needs an assertion that the registered keys verify in production; developer modes believe the row and warn', async () => {
  const principalId = await acme.principal('agent')
  const delegatedIssuerId = await trust(acme)
  const issue = (more: object, bench = production) =>
    post(acme, 'tokens/issue', { principalId, issuanceType: 'delegated', delegatedIssuerId, ...more }, bench)
  const made = await issue({ assertion: said({ sub: principalId }) })
  expect(claimsOf(made.body.token)).toMatchObject({
    ...{ sub: principalId, issuance_type: 'delegated', delegated_issuer_id: delegatedIssuerId },
  })
  const stranger = newRsaKey('their-key')
  const refused: object[] = [
    {},
    { assertion: said({ sub: principalId }, stranger) },
    { assertion: said({ sub: principalId }, { ...KEY, kid: 'other' }) },
    { assertion: said({ sub: principalId, iss: 'https://evil.test' }) },
    { assertion: said({ sub: principalId, aud: 'other' }) },
    { assertion: said({ sub: principalId, exp: now / 1000 }) },
    { assertion: said({ sub: principalId, nbf: now / 1000 + 10 }) },
    { assertion: said({ sub: 'somebody' }) },
    { assertion: said({ sub: await acme.principal('agent') }) },
    { assertion: unsigned({ header: { kid: KEY.kid }, claims: claims({ sub: principalId }) }) },
    { assertion: hs256(KEY.pem, { header: { kid: KEY.kid }, claims: claims({ sub: principalId }) }) },
    // Rightly signed, and called something else.
    { assertion: rs256(KEY, { header: { alg: 'PS256' }, claims: claims({ sub: principalId }) }) },
    { assertion: 'no token' },
    { assertion: said({ sub: principalId }), delegatedIssuerId: 'dis_unknown' },
    { assertion: said({ sub: principalId }), delegatedIssuerId: await trust(beta) },
    { assertion: said({ sub: principalId }), delegatedIssuerId: null },
    // Material that is no key set, and an address: nothing is fetched.
    {
      assertion: said({ sub: principalId }),
      delegatedIssuerId: await trust(acme, { jwkSetRefOrMaterial: '{"keys":7}' }),
    },
    {
      assertion: said({ sub: principalId }),
      delegatedIssuerId: await trust(acme, { jwkSetRefOrMaterial: 'http://169.254.169.254/keys' }),
    },
  ]
  for (const more of refused) {
    const { status, body } = await issue(more)
    expect([more, status, body.detail?.code]).toEqual([more, 403, 'delegated_issuer_untrusted'])
  }
  expect((await issue({}, wire)).status).toBe(200)
  expect(lines.join('\n')).toContain('a delegated token was made without an assertion')
  for (const secret of [acme.adminKey, made.body.token]) expect(lines.join('\n')).not.toContain(secret)
  expect((await issue({ delegatedIssuerId: 'dis_unknown' }, wire)).status).toBe(403)
  expect((await issue({ assertion: said({ sub: 'somebody' }) }, wire)).status).toBe(403)
})

test('a name of another issuer is bound to one principal, anew only where that is asked for, and an assertion may use it', async () => {
  const [one, other] = [await acme.principal('agent'), await acme.principal('agent')]
  const evaluate = async (more: object = {}, tenant = acme) => {
    const { status, body } = await post(tenant, 'mappings/evaluate', {
      ...{ tenantDomainId: acme.tenantId, sourceIssuerId: 'https://issuer.test', externalIdentityKey: 'ann' },
      ...{ canonicalIdentityKey: 'ann@acme', principalId: one, ...more },
    })
    return status === 200 ? `${body.decision} ${body.reasonCode}` : status
  }
  expect(new Set(await Promise.all([evaluate(), evaluate()]))).toEqual(
    new Set(['allow new_binding_created', 'allow binding_unchanged']),
  )
  expect(await evaluate({ principalId: other })).toBe('deny collision_no_override')
  expect(await evaluate({ canonicalIdentityKey: 'x' })).toBe('deny collision_no_override')
  expect(await evaluate()).toBe('allow binding_unchanged')
  expect(await evaluate({ externalIdentityKey: 'bob', principalId: other })).toBe('allow new_binding_created')
  expect(await evaluate({}, beta)).toBe(403)
  expect(await evaluate({ principalId: await beta.principal('agent') })).toBe(404)

  const delegatedIssuerId = await trust(acme)
  const issue = (principalId: string) =>
    post(
      acme,
      'tokens/issue',
      { principalId, issuanceType: 'delegated', delegatedIssuerId, assertion: said({ sub: 'ann' }) },
      production,
    )
  expect([(await issue(one)).status, (await issue(other)).status]).toEqual([200, 403])
  expect(await evaluate({ principalId: other, overrideRequested: true })).toBe('allow override_accepted')
  expect([(await issue(one)).status, (await issue(other)).status]).toEqual([403, 200])
})
