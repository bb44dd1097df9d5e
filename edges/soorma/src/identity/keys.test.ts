import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FrontBench, openFrontBench } from '../../testing/index.ts'

const DAY_MS = 86_400_000
let aheadMs = 0
let wire: FrontBench
beforeAll(async () => {
  wire = await openFrontBench({ clock: { now: () => new Date(Date.now() + aheadMs) } })
}, 60_000)
afterAll(() => wire.bench.close())

const partOf = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())
const keys = async (): Promise<JsonWebKey[]> => (await wire.ask('GET /v1/identity/.well-known/jwks.json')).body.keys
const kidsOf = async () => (await keys()).map(({ kid }) => kid)

test('SOO-R17 keys are RSA of 2048 bits with a dated kid, rotated with overlap, and tokens of both verify; the issuer is the one of the discovery', async () => {
  const tenant = await wire.onboard()
  const issue = async () => (await tenant.token('agent')).authorization?.slice('Bearer '.length) ?? ''
  const open = async (token: string) =>
    (await wire.ask('GET /events/', { headers: { authorization: `Bearer ${token}` } })).status
  const [first] = await keys()
  expect(first).toMatchObject({ kty: 'RSA', use: 'sig', alg: 'RS256', kid: expect.stringMatching(/^soorma-\d/) })
  expect(createPublicKey({ key: first as JsonWebKey, format: 'jwk' }).asymmetricKeyDetails?.modulusLength).toBe(2048)
  expect(first).not.toHaveProperty('d')
  const { issuer } = (await wire.ask('GET /v1/identity/.well-known/openid-configuration')).body
  expect(partOf(await issue(), 1).iss).toBe(issuer)

  // Until the key is due to be followed by another.
  while ((await kidsOf()).length === 1 && aheadMs < 365 * DAY_MS) {
    aheadMs += DAY_MS / 2
    await wire.bench.runJob('rotate-signing-keys')
  }
  const [old, next] = await kidsOf()
  expect([old, (await kidsOf()).length]).toEqual([first?.kid, 2])
  expect(next).toMatch(/^soorma-\d/)
  // Readers get the next key before anything is signed with it.
  const rotatedMs = aheadMs
  aheadMs = 0
  const before = await issue()
  aheadMs = rotatedMs
  const after = await issue()
  aheadMs = 0
  expect([partOf(before, 0).kid, partOf(after, 0).kid]).toEqual([old, next])
  expect([await open(before), await open(after)]).toEqual([200, 200])
})
