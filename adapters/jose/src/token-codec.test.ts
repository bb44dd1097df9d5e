import { createHmac } from 'node:crypto'
import type { SigningKey } from '@soma/kernel'
import { describe, expect, test } from 'vitest'
import { createTokenCodec } from './token-codec.ts'

const now = new Date('2026-03-01T12:00:00Z')
const codec = createTokenCodec({ clock: { now: () => now } })
const key = await codec.createKey()
const other = await codec.createKey()
const expectation = { issuer: 'https://soma.test', audience: 'soma', type: 'at+jwt', clockToleranceMs: 30_000 }
const seconds = Math.floor(now.getTime() / 1000)
const claims = {
  iss: 'https://soma.test',
  aud: 'soma',
  sub: 'usr_1',
  tenant: 'default',
  jti: 'token-1',
  iat: seconds,
  exp: seconds + 600,
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const sign = (changes: Record<string, unknown> = {}, options: { key?: SigningKey; type?: string } = {}) => {
  const merged = Object.fromEntries(
    Object.entries({ ...claims, ...changes }).filter(([, value]) => value !== undefined),
  )
  return codec.sign(merged, options.key ?? key, options.type ?? 'at+jwt')
}
const verify = (token: string, keys: readonly SigningKey[] = [key]) =>
  codec.verify(
    token,
    keys.map((item) => item.publicJwk),
    expectation,
  )
/** The token of an attacker who can write any header but cannot sign: the signature is the genuine token's. */
const withHeader = async (header: Record<string, unknown>) => {
  const [, body, signature] = (await sign()).split('.')
  return `${encode(header)}.${body}.${signature}`
}

describe('a token of its own', () => {
  test('is signed with EdDSA and gives its claims back', async () => {
    const token = await sign({ caps: ['plan:read'] })
    expect(JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString())).toEqual({
      alg: 'EdDSA',
      typ: 'at+jwt',
      kid: key.kid,
    })
    expect(await verify(token)).toMatchObject({ sub: 'usr_1', caps: ['plan:read'] })
  })

  test('is verified by whichever of several keys its kid names', async () => {
    expect(await verify(await sign({}, { key: other }), [key, other])).toMatchObject({ sub: 'usr_1' })
    expect(codec.keyIdOf(await sign({}, { key: other }))).toBe(other.kid)
  })

  test('never carries the private half in its public key', () => {
    expect(key.publicJwk).not.toHaveProperty('d')
    expect(key.privateJwk).toHaveProperty('d')
  })
})

describe('a token is refused', () => {
  test('with alg none, with and without a signature', async () => {
    const body = encode(claims)
    expect(await verify(`${encode({ alg: 'none', typ: 'at+jwt', kid: key.kid })}.${body}.`)).toBeUndefined()
    expect(await verify(await withHeader({ alg: 'none', typ: 'at+jwt', kid: key.kid }))).toBeUndefined()
  })

  test('with any HS algorithm keyed by the public key', async () => {
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
    ] as const) {
      const signed = `${encode({ alg, typ: 'at+jwt', kid: key.kid })}.${encode(claims)}`
      for (const secret of [Buffer.from(String(key.publicJwk['x']), 'base64url'), JSON.stringify(key.publicJwk)]) {
        const signature = createHmac(hash, secret).update(signed).digest('base64url')
        expect(await verify(`${signed}.${signature}`)).toBeUndefined()
      }
    }
  })

  test('when a foreign key signed it, also under a known kid, and when its kid is unknown or absent', async () => {
    expect(await verify(await sign({}, { key: { ...other, kid: key.kid } }))).toBeUndefined()
    expect(await verify(await sign({}, { key: other }))).toBeUndefined()
    expect(await verify(await withHeader({ alg: 'EdDSA', typ: 'at+jwt' }))).toBeUndefined()
  })

  test('when its header brings a key, the address of one, or an extension', async () => {
    const { createPrivateKey, sign: signBytes } = await import('node:crypto')
    const privateKey = createPrivateKey({ key: key.privateJwk as never, format: 'jwk' })
    for (const extra of [
      { jwk: key.publicJwk },
      { jku: 'https://evil.test/jwks' },
      { x5u: 'https://evil.test/pem' },
      { x5c: ['AA'] },
      { crit: ['exp'] },
    ]) {
      const signed = `${encode({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid, ...extra })}.${encode(claims)}`
      const token = `${signed}.${signBytes(null, Buffer.from(signed), privateKey).toString('base64url')}`
      expect({ extra, claims: await verify(token) }).toEqual({ extra, claims: undefined })
    }
  })

  test('with another issuer, audience or type', async () => {
    expect(await verify(await sign({ iss: 'https://other.test' }))).toBeUndefined()
    expect(await verify(await sign({ aud: 'elsewhere' }))).toBeUndefined()
    expect(await verify(await sign({}, { type: 'soma-ctx+jwt' }))).toBeUndefined()
  })

  test.each(['exp', 'iat', 'jti', 'sub', 'iss', 'aud'])('without %s', async (name) => {
    expect(await verify(await sign({ [name]: undefined }))).toBeUndefined()
  })

  test('when expired, not yet valid or issued in the future, beyond the tolerated skew', async () => {
    expect(await verify(await sign({ exp: seconds - 29 }))).toBeDefined()
    expect(await verify(await sign({ exp: seconds - 31 }))).toBeUndefined()
    expect(await verify(await sign({ nbf: seconds + 31 }))).toBeUndefined()
    expect(await verify(await sign({ iat: seconds + 31 }))).toBeUndefined()
    const lax = { ...expectation, clockToleranceMs: 3_600_000 }
    expect(await codec.verify(await sign({ exp: seconds - 61 }), [key.publicJwk], lax)).toBeUndefined()
  })

  test('over 8 KiB, and with a changed body, a changed signature or no JWT shape', async () => {
    expect(await verify(await sign({ padding: 'x'.repeat(8192) }))).toBeUndefined()
    const [header, , signature] = (await sign()).split('.')
    expect(await verify(`${header}.${encode({ ...claims, sub: 'usr_2' })}.${signature}`)).toBeUndefined()
    for (const text of ['', '..', 'a.b', 'a.b.c', `${header}.${encode(claims)}.AAAA`])
      expect(await verify(text)).toBeUndefined()
  })

  test('when its kid names a key of another type', async () => {
    const rsa = { kid: key.kid, kty: 'RSA', n: 'AQAB', e: 'AQAB' }
    expect(await codec.verify(await sign(), [rsa], expectation)).toBeUndefined()
  })
})
