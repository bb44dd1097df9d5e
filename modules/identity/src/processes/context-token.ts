import { type Clock, type Context, newId, type SigningKey, type TokenCodec } from '@soma/kernel'
import * as z from 'zod'
import type { ProcessRecord } from '../../contract/index.ts'

/** `typ` header of context tokens. */
export const CONTEXT_TOKEN_TYPE = 'soma-ctx+jwt'
/** A call is received at once; this is room for a slow network, not for keeping. */
const LIFE_SECONDS = 30
/** Processes of one installation; their clocks are watched against the database's. */
const TOLERANCE_MS = 5000

const context = z.object({
  tenantId: z.string().max(128),
  spaceId: z.string().max(128),
  principal: z.object({
    id: z.string(),
    kind: z.enum(['user', 'agent', 'service', 'guest']),
    roles: z.array(z.string()),
    capabilities: z.array(z.string()),
  }),
  userId: z.string().optional(),
  actors: z.array(z.string()).max(5),
  method: z.enum(['api-key', 'token', 'context-token', 'developer', 'module', 'none']),
  credentialId: z.string().optional(),
  authenticatedAt: z.string().optional(),
  region: z.string(),
  constitutionHash: z.string(),
  traceparent: z.string(),
  cause: z
    .object({
      eventId: z.string(),
      correlationId: z.string(),
      sessionId: z.string().optional(),
      planId: z.string().optional(),
      taskId: z.string().optional(),
    })
    .optional(),
})
const claims = z.object({ iss: z.string(), sub: z.string(), from: z.string(), context })

export interface ContextTokenSigner {
  /** The whole context, for one module, for 30 s. `from` = the calling module. */
  sign(context: Context, call: { from: string; to: string }): Promise<string>
}

/** Signs with the key that this process made at start and registered when it joined. */
export function createContextTokenSigner(options: {
  tokenCodec: TokenCodec
  key: SigningKey
  processId: string
  clock: Clock
}): ContextTokenSigner {
  return {
    sign: (caller, { from, to }) => {
      const iat = Math.floor(options.clock.now().getTime() / 1000)
      const body = {
        iss: issuerOf(options.processId),
        aud: to,
        sub: caller.principal.id,
        tenant: caller.tenantId,
        from,
        context: caller,
      }
      return options.tokenCodec.sign(
        { ...body, jti: newId('ctx'), iat, exp: iat + LIFE_SECONDS },
        options.key,
        CONTEXT_TOKEN_TYPE,
      )
    },
  }
}

export interface ContextTokenVerifier {
  /** The context inside; undefined for anything else than a context token of a joined process for this module by a module that may call it. */
  verify(token: string, call: { to: string }): Promise<{ context: Context; from: string } | undefined>
}

/**
 * `processes` answers the joined processes and is asked again for an unknown key. `mayCall` says whether a module's contract uses another.
 * A process speaks only for the modules it joined with.
 */
export function createContextTokenVerifier(options: {
  tokenCodec: TokenCodec
  processes: (unknownKid?: string) => Promise<readonly ProcessRecord[]>
  mayCall: (from: string, to: string) => boolean
}): ContextTokenVerifier {
  return {
    verify: async (token, { to }) => {
      const kid = options.tokenCodec.keyIdOf(token)
      if (kid === undefined) return undefined
      const hasKey = (process: ProcessRecord) => process.publicJwk.kid === kid
      const process = (await options.processes()).find(hasKey) ?? (await options.processes(kid)).find(hasKey)
      if (process === undefined) return undefined
      const expectation = {
        issuer: issuerOf(process.processId),
        audience: to,
        type: CONTEXT_TOKEN_TYPE,
        clockToleranceMs: TOLERANCE_MS,
      }
      const parsed = claims.safeParse(await options.tokenCodec.verify(token, [process.publicJwk], expectation))
      if (!parsed.success) return undefined
      const { from, sub } = parsed.data
      if (!process.modules.includes(from) || !options.mayCall(from, to) || sub !== parsed.data.context.principal.id)
        return undefined
      return { context: parsed.data.context as Context, from }
    },
  }
}

const issuerOf = (processId: string): string => `process:${processId}`
