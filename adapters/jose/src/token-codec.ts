import type { SigningKey, TokenCodec } from '@soma/kernel'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'

type PublicJwk = Readonly<Record<string, unknown>>

/** Larger tokens are refused unread (IDN-R21). */
const MAXIMUM_TOKEN_BYTES = 8192
/** No configuration may tolerate more skew than this (IDN-R21). */
const MAXIMUM_TOLERANCE_MS = 60_000
/** Headers that bring a key or an extension of their own: never followed. */
const REFUSED_HEADERS = ['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'crit', 'b64', 'zip'] as const
/** Imported keys are kept by their public half. JWKS are small; the bound only stops a leak over years of rotation. */
const MAXIMUM_CACHED_KEYS = 256

/**
 * JWTs signed with EdDSA over Ed25519, by jose.
 * `verify` answers undefined for anything that does not prove itself, and never says why. `clock` defaults to the time of this host.
 */
export function createTokenCodec(options: { clock?: { now(): Date } } = {}): TokenCodec {
  const now = () => options.clock?.now() ?? new Date()
  const imported = new Map<string, ReturnType<typeof importJWK>>()

  const keyOf = (jwk: PublicJwk) => {
    const cacheKey = String(jwk['x'])
    const known = imported.get(cacheKey)
    if (known !== undefined) return known
    if (imported.size >= MAXIMUM_CACHED_KEYS) imported.clear()
    const key = importJWK({ kty: 'OKP', crv: 'Ed25519', x: cacheKey }, 'EdDSA')
    imported.set(cacheKey, key)
    return key
  }

  return {
    createKey,
    keyIdOf: (token) => {
      const kid = headerOf(token)?.['kid']
      return typeof kid === 'string' ? kid : undefined
    },
    sign: async (claims, key, type) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'EdDSA', typ: type, kid: key.kid })
        .sign(await importJWK(key.privateJwk as JWK, 'EdDSA')),
    verify: async (token, keys, expect) => {
      const jwk = keyFor(token, keys)
      if (jwk === undefined) return undefined
      const tolerance = Math.min(Math.max(expect.clockToleranceMs, 0), MAXIMUM_TOLERANCE_MS) / 1000
      try {
        const { payload } = await jwtVerify(token, await keyOf(jwk), {
          algorithms: ['EdDSA'],
          issuer: expect.issuer,
          audience: expect.audience,
          typ: expect.type,
          clockTolerance: tolerance,
          currentDate: now(),
          requiredClaims: ['exp', 'iat', 'jti', 'sub', 'iss', 'aud'],
        })
        return isWellFormed(payload, now().getTime() / 1000 + tolerance) ? payload : undefined
      } catch {
        return undefined
      }
    },
  }
}

async function createKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const publicPart = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(publicPart)
  const attributes = { kid, alg: 'EdDSA', use: 'sig' }
  return {
    kid,
    publicJwk: { ...publicPart, ...attributes },
    privateJwk: { ...(await exportJWK(privateKey)), ...attributes },
  }
}

/** The one key that the token's `kid` names, if the header is acceptable at all. The header's `alg` chooses nothing. */
function keyFor(token: string, keys: readonly PublicJwk[]): PublicJwk | undefined {
  const header = headerOf(token)
  if (header === undefined || REFUSED_HEADERS.some((name) => name in header)) return undefined
  const kid = header['kid']
  if (typeof kid !== 'string') return undefined
  return keys.find(
    (key) => key['kid'] === kid && key['kty'] === 'OKP' && key['crv'] === 'Ed25519' && typeof key['x'] === 'string',
  )
}

function headerOf(token: string): Record<string, unknown> | undefined {
  if (token.length > MAXIMUM_TOKEN_BYTES) return undefined
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const header: unknown = JSON.parse(Buffer.from(parts[0] as string, 'base64url').toString('utf8'))
    return typeof header === 'object' && header !== null && !Array.isArray(header)
      ? (header as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function isWellFormed(payload: Record<string, unknown>, latestSeconds: number): boolean {
  const { sub, jti, iat, exp } = payload
  const named = typeof sub === 'string' && sub !== '' && typeof jti === 'string' && jti !== ''
  return named && typeof iat === 'number' && typeof exp === 'number' && iat <= latestSeconds
}
