import { type Clock, type Context, type ModuleDatabase, newId } from '@soma/kernel'
import * as z from 'zod'
import { hasRs256Signature, type Jwt, parseJwt } from '../auth/jwt.ts'
import { amendRecord, selectRecord } from '../records/store.ts'
import { refusal } from '../wire/refusal.ts'
import type { IssuerRequest } from './dtos.ts'
import type { createMappings } from './mappings.ts'

/** Issuers of a tenant that its administrator trusts, by the ids that they got here. What they are here is what they call themselves. */
const ISSUER_NAMES = { kind: 'issuer', userId: '' } as const

/** Whom the administrator trusts, and by which keys. */
type Issuer = Omit<IssuerRequest, 'tenantDomainId'>

export interface IssuerOptions {
  readonly database: ModuleDatabase
  readonly clock: Clock
  readonly mappings: Pick<ReturnType<typeof createMappings>, 'principalOf'>
  /** @throws 403 for a domain of another tenant, 404 for one that is not there */
  readonly checkDomain: (context: Context, tenantDomainId: string) => Promise<void>
}

/** Issuers whose word a tenant takes for who a principal is (SOO-R17). */
export function createIssuers({ database, clock, mappings, checkDomain }: IssuerOptions) {
  const find = (context: Context, issuerId: string) =>
    database.transaction(context, (tx) => selectRecord<Issuer>(tx, ISSUER_NAMES, issuerId))

  const save = async (context: Context, delegatedIssuerId: string, { tenantDomainId, ...issuer }: IssuerRequest) => {
    await checkDomain(context, tenantDomainId)
    await database.transaction(context, (tx) =>
      amendRecord<Issuer>(tx, ISSUER_NAMES, {
        foreignId: delegatedIssuerId,
        ownId: delegatedIssuerId,
        change: () => issuer,
      }),
    )
    return { delegatedIssuerId, issuerId: issuer.issuerId, status: 'active' as const }
  }

  return {
    create: (context: Context, request: IssuerRequest) => save(context, newId('dis'), request),

    update: async (context: Context, delegatedIssuerId: string, request: IssuerRequest) => {
      await checkDomain(context, request.tenantDomainId)
      if ((await find(context, delegatedIssuerId)) === undefined) throw refusal(404, 'Delegated issuer not found')
      return save(context, delegatedIssuerId, request)
    },

    isKnown: async (context: Context, delegatedIssuerId: string): Promise<boolean> =>
      (await find(context, delegatedIssuerId)) !== undefined,

    /** Whether an issuer said, for its audience and still, that somebody is this principal: by its id, or by a key that a mapping binds to it. */
    vouches: async (
      context: Context,
      { delegatedIssuerId, assertion, principalId }: Record<'delegatedIssuerId' | 'assertion' | 'principalId', string>,
    ): Promise<boolean> => {
      const issuer = (await find(context, delegatedIssuerId))?.detail
      const jwt = parseJwt(assertion)
      if (issuer === undefined || jwt === undefined || !isSigned(jwt, issuer)) return false
      const claims = assertionClaims.safeParse(jwt.claims).data
      const nowS = clock.now().getTime() / 1000
      if (claims === undefined || claims.exp <= nowS || (claims.nbf ?? 0) > nowS) return false
      if (claims.iss !== issuer.issuerId || ![claims.aud].flat().includes(issuer.audiencePolicyRef)) return false
      if (claims.sub === principalId) return true
      return (await mappings.principalOf(context, issuer.issuerId, claims.sub)) === principalId
    },
  }
}

const text = z.string().min(1).max(255)
const assertionClaims = z.object({
  iss: text,
  sub: text,
  aud: z.union([text, z.array(text).max(20)]),
  exp: z.number(),
  nbf: z.number().optional(),
})
const keySet = z.object({ keys: z.array(z.looseObject({ kid: z.string() })).max(100) })

/** By a key of the set that was registered as material. Nothing is fetched: an address that a tenant names would be asked for from inside. */
function isSigned(jwt: Jwt, { jwkSetRefOrMaterial }: Issuer): boolean {
  const key = keysIn(jwkSetRefOrMaterial).find(({ kid }) => kid === jwt.header.kid)
  return jwt.header.alg === 'RS256' && key !== undefined && hasRs256Signature(jwt, key)
}

function keysIn(material: string) {
  try {
    return keySet.parse(JSON.parse(material)).keys
  } catch {
    return []
  }
}
