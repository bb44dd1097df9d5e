import { commonProblems, type Context, newUuid, type SigningKey, type TokenCodec, type Uses } from '@soma/kernel'
import type { Platform } from './platform.ts'

/** Long enough for a slow hop, too short to be worth stealing (IDN-R42). */
const LIFETIME_S = 30
const TYPE = 'soma-ctx+jwt'
const ISSUER = 'soma:process'

export interface ContextTokens {
  /** A token that carries the whole identity context to one module. */
  sign(context: Context, audience: string): Promise<string>
  /** The context inside; the audience must be a module of this process that the signing process may call. @throws unauthenticated */
  verify(token: string): Promise<Context>
  /** Whether a bearer looks like a context token. */
  recognises(token: string): boolean
}

export interface ContextTokenOptions {
  readonly codec: TokenCodec
  readonly key: SigningKey
  readonly hosted: readonly string[]
  /** The processes that have joined. `fresh` asks again because a key was not found. */
  readonly processes: (fresh: boolean) => Promise<readonly JoinedProcess[]>
  /** Whether a process that hosts these modules may call the audience. */
  readonly mayCall: (modules: readonly string[], audience: string) => boolean
}

/** A process whose signature is known, and the modules it speaks for. */
export interface JoinedProcess {
  readonly modules: readonly string[]
  readonly publicJwk: Readonly<Record<string, unknown>>
}

/** What the server of every process asks in its own name, to prove the author of a request. */
const SERVER_USES: readonly string[] = ['identity', 'events']

/** A module is called by modules whose contract `uses` it, and by the server where it proves callers (IDN-R42). */
export function callersOf({ modules }: Platform): ContextTokenOptions['mayCall'] {
  const uses = new Map(
    modules.map((module) => [
      module.contract.module,
      new Set(Object.values(module.uses as Uses).map(({ contract }) => contract.module)),
    ]),
  )
  return (callers, audience) =>
    SERVER_USES.includes(audience) || callers.some((caller) => uses.get(caller)?.has(audience) === true)
}

export function createContextTokens({ codec, key, hosted, processes, mayCall }: ContextTokenOptions): ContextTokens {
  const verifyWith = async (token: string, joined: readonly JoinedProcess[]) => {
    for (const audience of hosted) {
      const keys = joined.filter(({ modules }) => mayCall(modules, audience)).map(({ publicJwk }) => publicJwk)
      const claims = await codec.verify(token, keys, { issuer: ISSUER, audience, type: TYPE, clockToleranceMs: 5_000 })
      if (claims !== undefined) return claims.context as Context
    }
    return undefined
  }
  return {
    sign: (context, audience) => {
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: ISSUER,
        aud: audience,
        sub: context.principal.id,
        tenant: context.tenantId,
        jti: newUuid(),
        iat: now,
        exp: now + LIFETIME_S,
        context,
      }
      return codec.sign(claims, key, TYPE)
    },
    verify: async (token) => {
      const context =
        (await verifyWith(token, await processes(false))) ?? (await verifyWith(token, await processes(true)))
      if (context === undefined) throw commonProblems.unauthenticated.create('the credential is not valid')
      return context
    },
    recognises: (token) => {
      const [header = ''] = token.split('.', 1)
      return Buffer.from(header, 'base64url').includes(`"${TYPE}"`)
    },
  }
}
