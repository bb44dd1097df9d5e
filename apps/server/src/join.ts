import { createHmac } from 'node:crypto'
import { identityContract, processProofText } from '@soma/identity/contract'
import {
  buildClient,
  createHttpTransport,
  isProblem,
  type Logger,
  type ReadyCheck,
  type SigningKey,
  type Transport,
} from '@soma/kernel'
import { moduleContext } from '@soma/runtime'
import type { JoinedProcess } from './context-tokens.ts'
import type { ServerSettings } from './server-contract.ts'

/** A process says again that it lives, well within the time after which identity forgets it. */
const REJOIN_MS = 10_000
const RETRY_MS = 250
/** A line each 5 s: processes that start together need less. */
const WARN_EVERY = 20
const SERVER = { name: 'server', jobCapabilities: [] }

/** A process that left is believed this much longer at most; well under the five minutes for which identity lists one that is silent. */
const KEPT_MS = 60_000

/**
 * The processes of this platform, asked of identity by one request at a time and kept for a minute, or until a key is missing: then by a request that begins after the
 * question, because one that is under way may have been answered before the process joined.
 */
export function createProcessList(
  transport: Transport,
  region: string,
): (fresh: boolean) => Promise<readonly JoinedProcess[]> {
  const identity = buildClient(identityContract, transport)
  let known: readonly JoinedProcess[] = []
  let readAt = 0
  let reading: Promise<void> | undefined
  let following: Promise<void> | undefined
  const read = async () => {
    known = (await identity.processes.list(moduleContext('platform', SERVER, region))).items
    readAt = Date.now()
  }
  const begin = () => {
    following = undefined
    reading = read().finally(() => {
      reading = undefined
    })
    return reading
  }
  return async (fresh) => {
    // What failed is told to those who asked for it.
    if (fresh) await (following ??= Promise.allSettled([reading]).then(begin))
    else if (Date.now() - readAt > KEPT_MS) await (reading ?? begin())
    return known
  }
}

export interface Membership {
  /** Red until identity knows this process. None in a platform of one process. */
  readonly ready: readonly ReadyCheck[]
  /**
   * Registers this process's key with identity, and again every 10 s, so that identity may restart. While identity does not answer it is tried again, without an end:
   * processes start in any order, and who waits is told by `/ready` and the log.
   * @throws Error when identity refuses, because no later try would do better
   */
  join(): Promise<void>
  stop(): void
}

/** The place of this process in its platform. In a platform of one process there is nothing to join. */
export function createMembership(options: {
  settings: ServerSettings
  modules: readonly string[]
  key: SigningKey
  processId: string
  transport: Transport
  log: Logger
}): Membership {
  const { settings, log } = options
  const stopping = new AbortController()
  const isAlone = settings.clusterSecret === ''
  let reason: string | undefined = 'has not joined yet'
  const again = () => joinOnce(options).catch((error: unknown) => log.warn('joining again failed', { error }))
  return {
    ready: isAlone ? [] : [{ name: 'joined', check: async () => reason }],
    join: async () => {
      if (isAlone) return
      await untilJoined(options, stopping.signal, (waits) => {
        reason = waits
      })
      reason = undefined
      const timer = setInterval(again, REJOIN_MS)
      stopping.signal.addEventListener('abort', () => clearInterval(timer), { once: true })
    },
    stop: () => stopping.abort(),
  }
}

async function joinOnce(options: Parameters<typeof createMembership>[0]): Promise<void> {
  const { settings, modules, key, processId } = options
  const body = {
    processId,
    modules: [...modules],
    publicJwk: key.publicJwk as never,
    issuedAtSeconds: Math.floor(Date.now() / 1000),
  }
  const proof = createHmac('sha256', settings.clusterSecret).update(processProofText(body)).digest('hex')
  const context = moduleContext('platform', SERVER, settings.region)
  await identityOf(options).processes.join(context, { body: { ...body, proof } })
}

/** The join itself carries no context token (identity does not know the key yet): the cluster secret proves it. */
function identityOf({
  settings,
  modules,
  transport,
}: {
  settings: ServerSettings
  modules: readonly string[]
  transport: Transport
}) {
  if (modules.includes('identity')) return buildClient(identityContract, transport)
  const url = (settings.moduleUrls.identity as string).replace(/\/$/, '')
  return buildClient(identityContract, createHttpTransport({ url, headers: () => ({}), fetch: globalThis.fetch }))
}

async function untilJoined(
  options: Parameters<typeof createMembership>[0],
  stopping: AbortSignal,
  waiting: (reason: string) => void,
): Promise<void> {
  const place = options.settings.moduleUrls.identity ?? 'this process'
  for (let attempt = 1; !stopping.aborted; attempt++) {
    try {
      return await joinOnce(options)
    } catch (error) {
      if (isProblem(error) && error.code === 'unauthenticated')
        throw new Error(
          `identity at ${place} refused this process: give every process the same server.clusterSecret, and keep the clocks of their hosts within 60 s`,
          { cause: error },
        )
      const detail = error instanceof Error ? error.message : String(error)
      waiting(`identity at ${place} does not answer: ${detail}`)
      if (attempt % WARN_EVERY === 0)
        options.log.warn('waiting for identity: start it, or correct its URL in server.moduleUrls', {
          attempt,
          place,
          error,
        })
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}
