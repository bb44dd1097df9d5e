import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { commonProblems, isProblem, type Logger } from '@soma/kernel'
import { readFile } from 'node:fs/promises'

/** Longer than a JetStream server needs under load, shorter than a client of ours waits for its answer. */
const CALL_MS = 5_000
const RECONNECT_MS = 250
/** Two unanswered pings end a connection whose server is stopped but whose socket lives. */
const PING_MS = 2_000
const RETRY_AFTER_MS = 1_000
/** The first whose direct gets answer in batches, which is how partitions are read. */
const OLDEST = { major: 2, minor: 11 }

export interface ConnectionOptions {
  /** `nats://host:port`, also with user and password, of one or more servers of a cluster. */
  readonly servers: readonly string[]
  /** File with the user's JWT and seed, for servers that want them. */
  readonly credentialsFile?: string
  readonly log: Logger
}

export interface Connection {
  readonly nats: NatsConnection
  readonly stream: JetStreamClient
  readonly manager: JetStreamManager
  /** Runs a call; what fails is the problem `unavailable`, at once while there is no connection. */
  call<T>(what: string, work: () => Promise<T>): Promise<T>
}

/**
 * Connects once, then reconnects for ever.
 * @throws Error when the server is too old; Problem `unavailable` when no server answers or JetStream is not enabled
 */
export async function openConnection({ servers, credentialsFile, log }: ConnectionOptions): Promise<Connection> {
  const credentials = credentialsFile === undefined ? undefined : await readFile(credentialsFile)
  const nats = await connect({
    servers: [...servers],
    name: 'soma',
    timeout: CALL_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_MS,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_MS,
    maxPingOut: 2,
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
  }).catch((error: unknown) => {
    throw unavailable('the NATS server cannot be reached', error)
  })
  const connected = watchConnection(nats, log)
  const call = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    if (!connected()) throw unavailable(`${what}: there is no connection to NATS`)
    try {
      return await work()
    } catch (error) {
      throw isProblem(error) ? error : unavailable(what, error)
    }
  }
  try {
    refuseOldServer(nats)
    const manager = await jetstreamManager(nats, { timeout: CALL_MS }).catch((error: unknown) => {
      throw unavailable('the NATS server does not serve JetStream', error)
    })
    return { nats, manager, stream: jetstream(nats, { timeout: CALL_MS }), call }
  } catch (error) {
    await nats.close()
    throw error
  }
}

export const unavailable = (what: string, cause?: unknown) =>
  commonProblems.unavailable.create(what, { cause, retryAfterMs: RETRY_AFTER_MS })

function refuseOldServer(nats: NatsConnection): void {
  const version = nats.info?.version ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor))
    throw new Error(
      `the NATS server is ${version}: ${OLDEST.major}.${OLDEST.minor} is the oldest that can be read from`,
    )
}

/** Answers whether there is a connection: what is published without one would wait in memory for the next, late and unasked. */
function watchConnection(nats: NatsConnection, log: Logger): () => boolean {
  let connected = true
  const follow = async () => {
    for await (const status of nats.status()) {
      if (status.type === 'disconnect') {
        connected = false
        log.warn('the connection to NATS is lost; trying again for ever')
      } else if (status.type === 'reconnect') {
        connected = true
        log.info('connected to NATS again', { server: status.server })
      } else if (status.type === 'error') log.warn('NATS reports an error', { error: status.error })
    }
  }
  follow().catch((error: unknown) => log.error('the state of the NATS connection is unknown', { error }))
  return () => connected && !nats.isClosed()
}
