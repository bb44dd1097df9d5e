import type { PrincipalKind, TokenCodec } from '@soma/kernel'
import * as z from 'zod'
import { ACCESS_AUDIENCE, ACCESS_TYPE } from '../ports.ts'
import type { Keyring } from './keyring.ts'

/** A token longer than this leaves out the list of capabilities: verifiers expand roles from what the principal holds. */
const MAXIMUM_WITH_CAPABILITIES = 4096

const claims = z.object({
  sub: z.string().min(1).max(128),
  tenant: z.string().min(1).max(128),
  space: z.string().max(128).default(''),
  kind: z.enum(['user', 'agent', 'service', 'guest']),
  /** Absent = all that the principal holds. */
  caps: z.array(z.string()).optional(),
  jti: z.string().min(1).max(128),
  iat: z.number(),
  exp: z.number(),
  epoch: z.number().int(),
  constitution: z.string(),
})
export type AccessClaims = z.output<typeof claims>

export interface TokenSubject {
  readonly tenantId: string
  readonly spaceId: string
  readonly principalId: string
  readonly kind: PrincipalKind
  readonly roles: readonly string[]
  readonly capabilities: readonly string[]
  /** True when `capabilities` is less than what the principal holds: then the list must stand in the token. */
  readonly isNarrowed: boolean
  readonly epoch: number
  readonly constitutionHash: string
}

export interface AccessTokens {
  issue(subject: TokenSubject, life: { jti: string; issuedAt: Date; ttlMs: number }): Promise<string>
  /** Undefined for anything that does not prove itself. Epoch and revocation are the caller's to check. */
  verify(token: string): Promise<AccessClaims | undefined>
}

/** Own access tokens: JWT, EdDSA, `typ: at+jwt`. */
export function createAccessTokens(options: {
  tokenCodec: TokenCodec
  keyring: Keyring
  issuer: string
  clockSkewMs: number
}): AccessTokens {
  const { tokenCodec, keyring, issuer } = options
  return {
    issue: async (subject, { jti, issuedAt, ttlMs }) => {
      const key = await keyring.signer()
      const iat = Math.floor(issuedAt.getTime() / 1000)
      const body = {
        ...claimsOf(subject),
        iss: issuer,
        aud: ACCESS_AUDIENCE,
        jti,
        iat,
        nbf: iat,
        exp: Math.floor((issuedAt.getTime() + ttlMs) / 1000),
      }
      const full = await tokenCodec.sign({ ...body, caps: subject.capabilities }, key, ACCESS_TYPE)
      if (full.length <= MAXIMUM_WITH_CAPABILITIES || subject.isNarrowed) return full
      return tokenCodec.sign(body, key, ACCESS_TYPE)
    },
    verify: async (token) => {
      const kid = tokenCodec.keyIdOf(token)
      if (kid === undefined) return undefined
      const keys = await keyring.publicKeys(kid)
      const verified = await tokenCodec.verify(token, keys, {
        issuer,
        audience: ACCESS_AUDIENCE,
        type: ACCESS_TYPE,
        clockToleranceMs: options.clockSkewMs,
      })
      const parsed = claims.safeParse(verified)
      return parsed.success ? parsed.data : undefined
    },
  }
}

const claimsOf = (subject: TokenSubject) => ({
  sub: subject.principalId,
  tenant: subject.tenantId,
  tenant_id: subject.tenantId,
  ...(subject.spaceId === '' ? {} : { space: subject.spaceId }),
  ...(subject.kind === 'user' || subject.kind === 'guest' ? { user_id: subject.principalId } : {}),
  ...(subject.kind === 'agent' ? { agent_id: subject.principalId } : {}),
  kind: subject.kind,
  roles: subject.roles,
  constitution: subject.constitutionHash,
  epoch: subject.epoch,
})
