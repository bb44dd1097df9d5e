import { eventsContract } from '@soma/events/contract'
import { identityContract } from '@soma/identity/contract'
import {
  commonProblems,
  type Context,
  type Logger,
  newUuid,
  operationId,
  type SigningKey,
  type TokenCodec,
  type Uses,
  use,
} from '@soma/kernel'
import type { Platform } from './platform.ts'

/** Long enough for a slow hop, too short to be worth stealing (IDN-R42). */
const LIFETIME_S = 30
const TYPE = 'soma-ctx+jwt'
const ISSUER = 'soma:process'

/** The server of every process, which asks in its own name to prove the author of a request. */
const SERVER = 'server'
const SERVER_USES: Uses = {
  identity: use(identityContract, { 'credentials.verify': [], 'credentials.resolve': [], 'processes.list': [] }),
  events: use(eventsContract, { 'deliveries.context': [] }),
}

export interface ContextTokens {
  /** A token that carries the whole identity context to one operation. `caller` is the module that calls; absent = the server itself. */
  sign(context: Context, call: { caller: string | undefined; operation: string }): Promise<string>
  /**
   * The context inside a token made for this operation by a process that hosts the calling module, whose `uses` names the operation.
   * @throws unauthenticated, whatever is wrong
   */
  verify(token: string, operation: string | undefined): Promise<Context>
  /** Whether a bearer looks like a context token. */
  recognises(token: string): boolean
}

export interface ContextTokenOptions {
  readonly codec: TokenCodec
  readonly key: SigningKey
  /** The processes that have joined. `fresh` asks again because what was known does not allow the call. */
  readonly processes: (fresh: boolean) => Promise<readonly JoinedProcess[]>
  readonly mayCall: (caller: string, operation: string) => boolean
  readonly log: Logger
}

/** A process whose signature is known, and the modules it speaks for. */
export interface JoinedProcess {
  readonly modules: readonly string[]
  readonly publicJwk: Readonly<Record<string, unknown>>
}

/** An operation is called by modules whose `uses` names it, and by the server where it proves callers (IDN-R42). */
export function callersOf({ modules }: Platform): ContextTokenOptions['mayCall'] {
  const used = new Map(modules.map(({ contract, uses }) => [contract.module, operationsIn(uses as Uses)]))
  used.set(SERVER, operationsIn(SERVER_USES))
  return (caller, operation) => used.get(caller)?.has(operation) === true
}

const operationsIn = (uses: Uses): ReadonlySet<string> =>
  new Set(
    Object.values(uses).flatMap(({ contract, operations }) =>
      Object.keys(operations).map((name) => operationId(contract.module, ...(name.split('.') as [string, string]))),
    ),
  )

export function createContextTokens({ codec, key, processes, mayCall, log }: ContextTokenOptions): ContextTokens {
  /** The context, or what is wrong with the token. */
  const verifyWith = async (joined: readonly JoinedProcess[], token: string, operation: string) => {
    const kid = codec.keyIdOf(token)
    const process = joined.find(({ publicJwk }) => publicJwk.kid === kid)
    if (process === undefined) return 'its process has not joined'
    const expectation = { issuer: ISSUER, audience: moduleOf(operation), type: TYPE, clockToleranceMs: 5_000 }
    const claims = await codec.verify(token, [process.publicJwk], expectation)
    if (claims === undefined) return 'it is no valid token for this module'
    const { caller, iat, exp } = claims as { caller: string; iat: number; exp: number }
    if (exp - iat > LIFETIME_S) return `it lives longer than ${LIFETIME_S} s`
    if (claims.operation !== operation) return `it was made for ${String(claims.operation)}`
    if (caller !== SERVER && !process.modules.includes(caller)) return `its process does not host "${caller}"`
    if (!mayCall(caller, operation)) return `the "uses" of "${caller}" does not name the operation`
    return claims.context as Context
  }
  return {
    sign: (context, { caller = SERVER, operation }) => {
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: ISSUER,
        aud: moduleOf(operation),
        sub: context.principal.id,
        tenant: context.tenantId,
        jti: newUuid(),
        iat: now,
        exp: now + LIFETIME_S,
        caller,
        operation,
        context,
      }
      return codec.sign(claims, key, TYPE)
    },
    verify: async (token, operation = '') => {
      let verified = await verifyWith(await processes(false), token, operation)
      if (typeof verified === 'string') verified = await verifyWith(await processes(true), token, operation)
      if (typeof verified !== 'string') return verified
      log.warn('a context token was refused', { operation, reason: verified })
      throw commonProblems.unauthenticated.create('the credential is not valid')
    },
    recognises: (token) => {
      const [header = ''] = token.split('.', 1)
      return Buffer.from(header, 'base64url').includes(`"${TYPE}"`)
    },
  }
}

const moduleOf = (operation: string): string => operation.slice(0, operation.indexOf('.'))
