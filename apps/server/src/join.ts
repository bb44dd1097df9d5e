import { createHmac } from 'node:crypto'
import { identityContract, processProofText } from '@soma/identity/contract'
import { buildClient, createHttpTransport, type Logger, type SigningKey, type Transport } from '@soma/kernel'
import { moduleContext } from '@soma/runtime'
import type { JoinedProcess } from './context-tokens.ts'
import type { ServerSettings } from './server-contract.ts'

/** A process says again that it lives, well within the time after which identity forgets it. */
const REJOIN_MS = 10_000
const SERVER = { name: 'server', jobCapabilities: [] }

/** A process that left is believed this much longer at most; well under the five minutes for which identity lists one that is silent. */
const KEPT_MS = 60_000

/** The processes of this platform, asked of identity by one request at a time and kept for a minute, or until a key is missing. */
export function createProcessList(
  transport: Transport,
  region: string,
): (fresh: boolean) => Promise<readonly JoinedProcess[]> {
  const identity = buildClient(identityContract, transport)
  let known: readonly JoinedProcess[] = []
  let readAt = 0
  let reading: Promise<void> | undefined
  const read = async () => {
    known = (await identity.processes.list(moduleContext('platform', SERVER, region))).items
    readAt = Date.now()
  }
  return async (fresh) => {
    if (fresh || Date.now() - readAt > KEPT_MS)
      await (reading ??= read().finally(() => {
        reading = undefined
      }))
    return known
  }
}

export interface Membership {
  stop(): void
}

/**
 * Registers this process's key with identity, and again every 10 s, so that identity may restart. In a platform of one process there is nothing to join.
 * The first join waits until identity answers.
 */
export async function keepJoined(options: {
  settings: ServerSettings
  modules: readonly string[]
  key: SigningKey
  processId: string
  transport: Transport
  log: Logger
}): Promise<Membership> {
  const { settings, modules, key, processId, log } = options
  if (settings.clusterSecret === '') return { stop() {} }
  const join = async () => {
    const body = {
      processId,
      modules: [...modules],
      publicJwk: key.publicJwk as never,
      issuedAtSeconds: Math.floor(Date.now() / 1000),
    }
    const proof = createHmac('sha256', settings.clusterSecret).update(processProofText(body)).digest('hex')
    await identityOf(options).processes.join(
      { ...moduleContext('platform', SERVER, settings.region) },
      { body: { ...body, proof } },
    )
  }
  const timer = setInterval(
    () => join().catch((error: unknown) => log.warn('joining again failed', { error })),
    REJOIN_MS,
  )
  await untilJoined(join, log)
  return { stop: () => clearInterval(timer) }
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

async function untilJoined(join: () => Promise<void>, log: Logger): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await join()
    } catch (error) {
      if (attempt % 20 === 0) log.warn('identity does not answer yet', { attempt, error })
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}
