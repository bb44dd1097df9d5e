import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface JwtParts {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface RsaKeyPair {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
  readonly pem: string
}

export function newRsaKey(kid: string): RsaKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    kid,
    privateKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' },
    pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Claims that every row of the table accepts, unless it says otherwise. */
const claimsOf = (claims: JwtParts['claims']) => ({
  sub: 'agent-1',
  platform_tenant_id: 'their-tenant',
  tenant_id: 'their-tenant',
  principal_id: 'agent-1',
  principal_type: 'agent',
  roles: ['agent'],
  exp: Math.floor(Date.now() / 1000) + 600,
  ...claims,
})

export const unsigned = ({ header, claims }: JwtParts = {}): string =>
  `${encode({ alg: 'none', typ: 'JWT', ...header })}.${encode(claimsOf(claims))}`

export function rs256({ kid, privateKey }: RsaKeyPair, { header, claims }: JwtParts = {}): string {
  const text = unsigned({ header: { alg: 'RS256', kid, ...header }, ...(claims === undefined ? {} : { claims }) })
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
}

export function hs256(secret: string, { header, claims }: JwtParts = {}): string {
  const text = unsigned({ header: { alg: 'HS256', ...header }, ...(claims === undefined ? {} : { claims }) })
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
