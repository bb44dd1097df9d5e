import { commonProblems, type Context, newUuid, type SigningKey, type TokenCodec } from '@soma/kernel'

/** Long enough for a slow hop, too short to be worth stealing (IDN-R42). */
const LIFETIME_S = 30
const TYPE = 'soma-ctx+jwt'
const ISSUER = 'soma:process'

export interface ContextTokens {
  /** A token that carries the whole identity context to one module. */
  sign(context: Context, audience: string): Promise<string>
  /** The context inside; the audience must be a module of this process. @throws unauthenticated */
  verify(token: string): Promise<Context>
  /** Whether a bearer looks like a context token. */
  recognises(token: string): boolean
}

export interface ContextTokenOptions {
  readonly codec: TokenCodec
  readonly key: SigningKey
  readonly hosted: readonly string[]
  /** Public keys of the processes that have joined. `fresh` asks again because a key was not found. */
  readonly processKeys: (fresh: boolean) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

export function createContextTokens({ codec, key, hosted, processKeys }: ContextTokenOptions): ContextTokens {
  const verifyWith = async (token: string, keys: readonly Readonly<Record<string, unknown>>[]) => {
    for (const audience of hosted) {
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
        (await verifyWith(token, await processKeys(false))) ?? (await verifyWith(token, await processKeys(true)))
      if (context === undefined) throw commonProblems.unauthenticated.create('the credential is not valid')
      return context
    },
    recognises: (token) => {
      const [header = ''] = token.split('.', 1)
      return Buffer.from(header, 'base64url').includes(`"${TYPE}"`)
    },
  }
}
