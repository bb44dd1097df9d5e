import { createHmac, createPublicKey, type JsonWebKey, timingSafeEqual, verify } from 'node:crypto'

/** Larger tokens are refused unread. */
const MAXIMUM_BYTES = 16_384

export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly signed: string
  readonly signature: Buffer
}

/** A token taken apart, nothing of it verified. Undefined for what has no such form. */
export function parseJwt(token: string): Jwt | undefined {
  const parts = token.split('.')
  if (token.length > MAXIMUM_BYTES || parts.length !== 3) return undefined
  const [head, body, signature] = parts as [string, string, string]
  const header = recordIn(head)
  const claims = recordIn(body)
  if (header === undefined || claims === undefined || 'crit' in header) return undefined
  return { header, claims, signed: `${head}.${body}`, signature: Buffer.from(signature, 'base64url') }
}

function recordIn(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** An RSA public key: a JWK, or PEM. */
export type RsaKey = Readonly<Record<string, unknown>> | string

/** PKCS #1 v1.5 with SHA-256; false too for a key that is no RSA key. */
export function hasRs256Signature({ signed, signature }: Jwt, key: RsaKey): boolean {
  try {
    const publicKey =
      typeof key === 'string' ? createPublicKey(key) : createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
    return publicKey.asymmetricKeyType === 'rsa' && verify('sha256', Buffer.from(signed), publicKey, signature)
  } catch {
    return false
  }
}

export function hasHs256Signature({ signed, signature }: Jwt, secret: string): boolean {
  const expected = createHmac('sha256', secret).update(signed).digest()
  return signature.length === expected.length && timingSafeEqual(signature, expected)
}
