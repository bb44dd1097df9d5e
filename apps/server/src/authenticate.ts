import { createHash } from 'node:crypto'
import { eventsContract } from '@soma/events/contract'
import { actFor, identityContract, type Proven } from '@soma/identity/contract'
import { buildClient, type Context, type Transport, withoutUndefined } from '@soma/kernel'
import { moduleContext, type RequestCredentials } from '@soma/runtime'
import type { ContextTokens } from './context-tokens.ts'

/** A verified credential is believed this long before identity is asked again (IDN-R20); a refused one is never kept. */
const BELIEVED_MS = 5_000
const MAXIMUM_ENTRIES = 10_000

export interface AuthenticateOptions {
  readonly transport: Transport
  readonly contextTokens: ContextTokens
  readonly region: string
  /** True when identity runs in another process. In this one it keeps its own cache, which a revocation empties at once. */
  readonly isIdentityRemote: boolean
}

/** Proves the author of a request: a context token of another process, else whatever identity accepts. `Soma-Delivery` then says for whom an agent acts. */
export function createAuthenticate({
  transport,
  contextTokens,
  region,
  isIdentityRemote,
}: AuthenticateOptions): (credentials: RequestCredentials) => Promise<Context> {
  const identity = buildClient(identityContract, transport)
  const events = buildClient(eventsContract, transport)
  const believed = new Map<string, { proven: Proven; until: number }>()
  const server = { name: 'server', jobCapabilities: [] }

  const prove = async (credentials: RequestCredentials): Promise<Proven | undefined> => {
    const body = presentedBy(credentials)
    const key = createHash('sha256').update(JSON.stringify(body)).digest('base64url')
    const known = believed.get(key)
    if (known !== undefined && known.until > Date.now()) return known.proven
    const proven = await identity.credentials.verify(moduleContext('platform', server, region), { body })
    if (believed.size >= MAXIMUM_ENTRIES) believed.clear()
    if (isIdentityRemote) believed.set(key, { proven, until: Date.now() + BELIEVED_MS })
    return proven
  }

  return async (credentials) => {
    const { authorization, 'soma-delivery': deliveryId } = credentials.headers
    const bearer = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
    if (bearer !== undefined && contextTokens.recognises(bearer))
      return contextTokens.verify(bearer, credentials.operation)
    const proven = await prove(credentials)
    const context = { ...proven, traceparent: credentials.traceparent } as Context
    return deliveryId === undefined ? context : actForDelivery(context, deliveryId)
  }

  async function actForDelivery(context: Context, deliveryId: string): Promise<Context> {
    const inItsName: Context = { ...context, method: 'module' }
    const matter = await events.deliveries.context(inItsName, { params: { deliveryId } })
    const cause = {
      eventId: matter.eventId,
      correlationId: matter.correlationId ?? matter.eventId,
      ...withoutUndefined({ sessionId: matter.sessionId, planId: matter.planId, taskId: matter.taskId }),
    }
    const { userId, spaceId } = matter
    if (userId === undefined || userId === context.userId) return { ...context, cause }
    const { capabilities } = await identity.credentials.resolve(inItsName, { body: { principalId: userId } })
    return actFor(context, { userId, spaceId, userCapabilities: capabilities, cause })
  }
}

function presentedBy({ headers, remoteAddress }: RequestCredentials) {
  return withoutUndefined({
    authorization: headers.authorization,
    tenantHeader: headers['x-tenant-id'],
    userHeader: headers['x-user-id'],
    spaceHeader: headers['x-space-id'],
    remoteAddress,
    host: headers.host,
    origin: headers.origin,
    userAgent: headers['user-agent'],
  }) as { remoteAddress: string }
}
