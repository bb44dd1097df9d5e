import type { Clock, Metrics } from '@soma/kernel'
import type { SoormaSettings } from '../contract.ts'
import { refusal } from '../wire/refusal.ts'
import { project, type Projected, type SoormaClaims, soormaClaims } from './claims.ts'
import { hasHs256Signature, hasRs256Signature, type Jwt, parseJwt, type RsaKey } from './jwt.ts'
import type { KeySources } from './key-sources.ts'

/** `iss` and `aud` of the tokens that are made here. */
export const OWN_ISSUER = 'soorma-identity-service'
export const OWN_AUDIENCE = 'soorma-services'

export interface VerifierOptions {
  readonly settings: Pick<SoormaSettings, 'jwtSecret' | 'jwtAudience'>
  readonly sources: KeySources
  /** The public key of tokens made here that has this `kid`. */
  readonly ownKey: (kid: string) => Promise<RsaKey | undefined>
  readonly isProduction: boolean
  readonly clock: Clock
  readonly metrics: Metrics
}

export interface VerifiedToken extends Projected {
  readonly claims: SoormaClaims
  /** Made by this installation: its principal is one of identity. */
  readonly isOwn: boolean
}

const invalid = () => refusal(401, 'Invalid JWT')
const notConfigured = () => refusal(401, 'JWT validation not configured')

/**
 * Verifies a bearer token by the table of the page (docs/spec/edge-soorma.md, Authentication).
 * @throws 401 with the text of its row; nothing else is tried then
 */
export function createTokenVerifier(options: VerifierOptions): (token: string) => Promise<VerifiedToken> {
  return async (token) => {
    const jwt = parseJwt(token)
    if (jwt === undefined) throw invalid()
    const { isOwn } = await verifySignature(jwt, options)
    const claims = readClaims(jwt, options.clock)
    if (isOwn) checkOwn(jwt)
    await checkIssuer(jwt, isOwn, options)
    const projected = project(claims)
    if (projected === undefined) throw invalid()
    return { ...projected, claims, isOwn }
  }
}

async function verifySignature(jwt: Jwt, options: VerifierOptions): Promise<{ isOwn: boolean }> {
  const { alg } = jwt.header
  if (alg === 'RS256') return verifyRs256(jwt, options)
  if (alg !== 'HS256') throw invalid()
  const { jwtSecret } = options.settings
  if (jwtSecret === '' || options.isProduction) throw notConfigured()
  if (!hasHs256Signature(jwt, jwtSecret)) throw invalid()
  options.metrics.count('soma_soorma_legacy_identity_total', { alg: 'HS256' })
  return { isOwn: false }
}

/** Ids of own keys begin so. */
const OWN_KEY_IDS = 'soorma-'

/** Own keys, then the configured set, and only without that the fixed keys: a set that has keys is the last word. */
async function verifyRs256(jwt: Jwt, { sources, ownKey }: VerifierOptions): Promise<{ isOwn: boolean }> {
  const kid = String(jwt.header.kid)
  if (kid.startsWith(OWN_KEY_IDS) || !sources.hasAny) {
    const own = await ownKey(kid)
    if (own === undefined || !hasRs256Signature(jwt, own)) throw invalid()
    return { isOwn: true }
  }
  const configured = await sources.configured()
  const keys = configured ?? sources.fixed
  const key = keys.get(kid)
  if (key !== undefined && hasRs256Signature(jwt, key)) return { isOwn: false }
  throw key !== undefined || configured !== undefined ? invalid() : notConfigured()
}

function readClaims({ claims }: Jwt, clock: Clock): SoormaClaims {
  const parsed = soormaClaims.safeParse(claims)
  const nowS = clock.now().getTime() / 1000
  if (!parsed.success || parsed.data.exp <= nowS || (parsed.data.nbf ?? 0) > nowS) throw invalid()
  return parsed.data
}

function checkOwn({ claims }: Jwt): void {
  if (claims.iss !== OWN_ISSUER || !audiencesOf(claims.aud).includes(OWN_AUDIENCE)) throw invalid()
}

/** What is configured holds for every token; production takes no token of another issuer unless both are. */
async function checkIssuer(
  { claims }: Jwt,
  isOwn: boolean,
  { settings, sources, isProduction }: VerifierOptions,
): Promise<void> {
  const issuer = await sources.issuer()
  const { jwtAudience } = settings
  if (isProduction && !isOwn && (issuer === undefined || jwtAudience === '')) throw notConfigured()
  if (issuer !== undefined && claims.iss !== issuer) throw invalid()
  if (jwtAudience !== '' && !audiencesOf(claims.aud).includes(jwtAudience)) throw invalid()
}

const audiencesOf = (aud: unknown): readonly unknown[] => (Array.isArray(aud) ? aud : [aud])
