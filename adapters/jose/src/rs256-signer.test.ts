import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { createRs256Signer } from './rs256-signer.ts'

test('a signature holds for the public half of its key, which is RSA 2048, named after the dialect, and says nothing of the private half', async () => {
  const signer = createRs256Signer('soorma', { now: () => new Date('2026-04-18T01:02:03.004Z') })
  const key = await signer.createKey()
  const token = await signer.sign({ sub: 'agt_1' }, key, 'JWT')
  const [header = '', claims = '', signature = ''] = token.split('.')
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
    alg: 'RS256',
    typ: 'JWT',
    kid: 'soorma-20260418T010203004Z',
  })
  const publicKey = createPublicKey({ key: key.publicJwk as JsonWebKey, format: 'jwk' })
  expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
  expect(verify('sha256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(
    true,
  )
  expect(Object.keys(key.publicJwk).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
})
