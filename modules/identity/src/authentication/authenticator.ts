import {
  type Clock,
  commonProblems,
  isProblem,
  type Logger,
  type Metrics,
  type ModuleDatabase,
  NO_CONSTITUTION,
  type Problem,
} from '@soma/kernel'
import { expandCapabilities, identityProblems, type Presented, type Proven } from '../../contract/index.ts'
import { matchesSecret, type ParsedKey, parseKey } from '../keys/key-format.ts'
import { findKey, lookUpKey, touchKey } from '../keys/store.ts'
import { findSubject, type Subject } from '../principals/subject.ts'
import { isRevoked } from '../revoke.ts'
import type { AccessTokens } from '../tokens/access-token.ts'
import type { Denials } from './denials.ts'
import { type createDeveloperAccess, type Named, namedBy } from './developer-access.ts'
import { isLoopbackAddress, isLoopbackHost, isLoopbackOrigin } from './loopback.ts'
import type { ProofCache } from './proof-cache.ts'
import { reasonOf, refused } from './refused.ts'

export interface AuthenticatorOptions {
  readonly database: ModuleDatabase
  readonly tokens: AccessTokens
  readonly proofs: ProofCache
  readonly developer: ReturnType<typeof createDeveloperAccess>
  readonly denials: Denials
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly authentication: 'permissive' | 'headers' | 'strict'
  readonly allowedOrigins: readonly string[]
  readonly allowInsecureListen: boolean
}

/**
 * Proves the author of a request, or answers one with method `none` when it brings no credential and none is lent to it.
 * Raises unauthenticated (one text for all reasons), forbidden (a credential beside headers that name somebody else), origin-refused, and unavailable when
 * nothing can be read: never is anybody let in because something failed.
 */
export type Authenticate = (presented: Presented) => Promise<Proven>

export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const prove = async (presented: Presented): Promise<Proven> => {
    if (options.authentication !== 'strict') checkOrigin(presented, options)
    const named = namedBy(presented)
    const credential = presented.authorization
    if (credential === undefined) return withoutCredential(presented, named, options)
    const proven = await options.proofs.get(credential, () => proveCredential(credential, options))
    checkHeaders(proven, presented)
    return proven
  }

  return async (presented) => {
    const methodOf = () => methodName(presented)
    try {
      const proven = await prove(presented)
      options.metrics.count('soma_identity_authentications_total', { method: proven.method, outcome: 'allowed' })
      return proven
    } catch (error) {
      const problem = isProblem(error) ? error : unreachable(error, options.log)
      if (problem.status !== 503) recordDenial(problem, presented, options)
      options.metrics.count('soma_identity_authentications_total', { method: methodOf(), outcome: 'denied' })
      throw problem
    }
  }
}

function unreachable(error: unknown, log: Logger): Problem {
  log.error('a credential could not be checked', { error })
  return commonProblems.unavailable.create('credentials cannot be checked now', { cause: error })
}

function recordDenial(problem: Problem, presented: Presented, { denials }: AuthenticatorOptions): void {
  const { remoteAddress: ip, operation, userAgent } = presented
  denials.add({
    method: methodName(presented),
    reason: reasonOf(problem),
    ip,
    ...(operation === undefined ? {} : { operation }),
    ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, 256) }),
  })
}

const methodName = ({ authorization }: Presented): string =>
  authorization === undefined ? 'developer' : authorization.includes('soma_') ? 'api-key' : 'token'

/** In developer modes no web page may drive the machine: the host is a loopback name and a browser's origin an allowed one. */
function checkOrigin({ host, origin }: Presented, { allowedOrigins, allowInsecureListen }: AuthenticatorOptions): void {
  if (!allowInsecureListen && (host === undefined || !isLoopbackHost(host))) {
    throw identityProblems.originRefused.create(`the host "${host ?? ''}" is no loopback name`)
  }
  if (origin !== undefined && !isLoopbackOrigin(origin) && !allowedOrigins.includes(origin)) {
    throw identityProblems.originRefused.create(`the origin "${origin}" is not allowed here`)
  }
}

async function withoutCredential(
  presented: Presented,
  named: Named | undefined,
  options: AuthenticatorOptions,
): Promise<Proven> {
  if (options.authentication === 'strict') {
    if (named !== undefined) throw refused('headers-carry-no-authority')
    return nobody(options)
  }
  if (named !== undefined)
    return options.proofs.get(JSON.stringify(named), async () => ({ proven: await options.developer.named(named) }))
  if (options.authentication === 'permissive' && isLoopbackAddress(presented.remoteAddress)) {
    return options.proofs.get('permissive', async () => ({ proven: await options.developer.permissive() }))
  }
  return nobody(options)
}

const nobody = ({ clock, database }: AuthenticatorOptions): Proven => ({
  tenantId: '',
  spaceId: '',
  principal: { id: '', kind: 'guest', roles: [], capabilities: [] },
  actors: [],
  method: 'none',
  authenticatedAt: clock.now().toISOString(),
  region: database.moduleContext('').region,
  constitutionHash: NO_CONSTITUTION,
})

/** A valid credential beside headers that name another tenant, user or space: nobody may be two at once. */
function checkHeaders(proven: Proven, { tenantHeader, userHeader, spaceHeader }: Presented): void {
  const differs =
    (tenantHeader !== undefined && tenantHeader !== proven.tenantId) ||
    (userHeader !== undefined && userHeader !== (proven.userId ?? proven.principal.id)) ||
    (spaceHeader !== undefined && spaceHeader !== proven.spaceId)
  if (differs)
    throw commonProblems.forbidden.create(
      'the headers X-Tenant-ID, X-User-ID and X-Space-ID name somebody else than the credential',
    )
}

function proveCredential(authorization: string, options: AuthenticatorOptions) {
  const match = /^Bearer +([^\s]+) *$/i.exec(authorization)
  if (match === null) throw refused('malformed')
  const text = match[1] as string
  if (!text.startsWith('soma_')) return proveToken(text, options)
  const key = parseKey(text)
  if (key === undefined) throw refused('key-malformed')
  return proveKey(key, options)
}

async function proveKey(key: ParsedKey, { database, clock }: AuthenticatorOptions) {
  const found = await database.asScheduler((session) => lookUpKey(session, key.uuid))
  const isRight = matchesSecret(key.secret, {
    current: found?.secret_hash,
    previous: found?.previous_hash ?? undefined,
  })
  if (found === undefined || !isRight) throw refused('key-unknown')
  const now = clock.now()
  return database.asWorker(database.moduleContext(found.tenant_id), async (tx) => {
    const row = await findKey(tx, key.uuid)
    if (row === undefined || row.status !== 'active') throw refused('key-revoked')
    if (row.expires_at <= now) throw refused('key-expired')
    const subject = await findSubject(tx, row.principal_id, now)
    if (subject === undefined) throw refused('principal-inactive')
    await touchKey(tx, key.uuid)
    const scopes = new Set(expandCapabilities(row.scopes))
    const capabilities = subject.capabilities.filter((capability) => scopes.has(capability))
    const proven = provenOf(subject, {
      tenantId: found.tenant_id,
      spaceId: subject.row.space_id,
      region: database.moduleContext(found.tenant_id).region,
    })
    return {
      proven: {
        ...proven,
        principal: { ...proven.principal, capabilities },
        method: 'api-key' as const,
        credentialId: key.keyId,
        authenticatedAt: now.toISOString(),
      },
      expiresAt: row.expires_at,
    }
  })
}

async function proveToken(token: string, { database, tokens, clock }: AuthenticatorOptions) {
  const claims = await tokens.verify(token)
  if (claims === undefined) throw refused('token-invalid')
  const now = clock.now()
  return database.asWorker(database.moduleContext(claims.tenant), async (tx) => {
    const subject = await findSubject(tx, claims.sub, now)
    if (subject === undefined) throw refused('principal-inactive')
    if (claims.epoch < subject.row.epoch) throw refused('token-epoch')
    if (await isRevoked(tx, 'token', claims.jti)) throw refused('token-revoked')
    const allowed = claims.caps === undefined ? undefined : new Set(claims.caps)
    const capabilities = subject.capabilities.filter((capability) => allowed === undefined || allowed.has(capability))
    const proven = provenOf(subject, {
      tenantId: claims.tenant,
      spaceId: claims.space,
      region: database.moduleContext(claims.tenant).region,
    })
    return {
      proven: {
        ...proven,
        principal: { ...proven.principal, capabilities },
        method: 'token' as const,
        credentialId: claims.jti,
        authenticatedAt: new Date(claims.iat * 1000).toISOString(),
      },
      expiresAt: new Date(claims.exp * 1000),
    }
  })
}

const provenOf = (
  { row, roles, capabilities }: Subject,
  place: { tenantId: string; spaceId: string; region: string },
) => ({
  ...place,
  principal: { id: row.id, kind: row.kind, roles: [...roles], capabilities: [...capabilities] },
  ...(row.kind === 'user' || row.kind === 'guest' ? { userId: row.id } : {}),
  actors: [],
  constitutionHash: NO_CONSTITUTION,
})
