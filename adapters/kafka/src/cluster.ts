import { setTimeout as pause } from 'node:timers/promises'
import { commonProblems, isProblem, type Logger } from '@soma/kernel'
import type { Api } from './wire/api.ts'
import {
  type ClusterMetadata,
  createTopics,
  describeConfigs,
  findCoordinator,
  initProducerId,
  metadata,
  type TopicMetadata,
} from './wire/cluster-apis.ts'
import { type Address, type Connection, openConnection, type Security } from './wire/connection.ts'
import { CODES, codeOf, isPassing, kafkaError } from './wire/kafka-error.ts'
import { deleteRecords, fetchRecords, listOffsets, produce } from './wire/log-apis.ts'

/** Longer than a leader takes to move, shorter than a relay's lease. */
const CALL_MS = 5_000
/** At the start, when 192 partitions were just made: brokers on a busy machine need longer than a call to lead them all. */
const START_MS = 30_000
const CONNECT_MS = 2_000
const RETRY_MS = 100
/** With less left another try would end by the clock and hide why the one before failed. */
const LEAST_MS = 500
const RETRY_AFTER_MS = 1_000

/** A broker works on one request of a connection at a time, so what may take long has one of its own. */
export type Lane = 'append' | 'read' | 'watch'

export interface Target {
  readonly broker: number
  readonly lane: Lane
  readonly timeoutMs: number
}

/** Where a partition is led, as last heard. */
export interface Led {
  readonly leader: number
  readonly topicId: string
}

export interface Cluster {
  /** The topics and brokers as last heard; asks when nothing was heard yet. */
  view(timeoutMs: number): Promise<ClusterMetadata>
  refresh(timeoutMs: number): Promise<ClusterMetadata>
  /** From now on a topic is the one of this id. */
  pin(ids: ReadonlyMap<string, string>): void
  /** @throws Problem `unavailable` when the topic was deleted and made again; an error that is tried again when it is away */
  leaderOf(topicName: string, part: number, timeoutMs: number): Promise<Led>
  send<Request, Response>(to: Target, api: Api<Request, Response>, request: Request): Promise<Response>
  sendToAny<Request, Response>(api: Api<Request, Response>, request: Request, timeoutMs: number): Promise<Response>
  /** The start is over: from now on calls are given up after 5 s, before it after 30 s. */
  started(): void
  /**
   * Runs calls until they succeed or their time is over, with new metadata before each repeat; `work` is told how long it may take.
   * @throws Problem `unavailable`, at once when the broker's refusal is not one that passes
   */
  attempt<T>(what: string, work: (timeoutMs: number) => Promise<T>): Promise<T>
  /** Ends what is asked on a lane now. */
  hangUp(lane: Lane): void
  close(): void
}

export interface ClusterOptions extends Security {
  /** `host:port` of some brokers; the others are heard of from them. */
  readonly brokers: readonly string[]
  readonly log: Logger
}

const NEEDS = [
  metadata,
  createTopics,
  describeConfigs,
  findCoordinator,
  initProducerId,
  produce,
  fetchRecords,
  listOffsets,
  deleteRecords,
] as readonly Api<never, unknown>[]

export function createCluster(options: ClusterOptions, topicNames: readonly string[]): Cluster {
  const connections = createConnections(options)
  const bootstrap = options.brokers.map(parseAddress)
  let heard: ClusterMetadata | undefined
  let refreshing: Promise<ClusterMetadata> | undefined
  let pinned: ReadonlyMap<string, string> = new Map()
  let closed = false
  let limitMs = START_MS

  const sendToAny: Cluster['sendToAny'] = async (api, request, timeoutMs) => {
    const until = performance.now() + timeoutMs
    let failure = new Error('no Kafka broker answered in time')
    for (const address of [...(heard?.brokers ?? []), ...bootstrap]) {
      const leftMs = until - performance.now()
      if (leftMs <= 0) break
      try {
        return await connections.send(address, 'read', { api, request, timeoutMs: leftMs })
      } catch (error) {
        failure = error as Error
      }
    }
    throw failure
  }
  const refresh = (timeoutMs: number): Promise<ClusterMetadata> => {
    refreshing ??= sendToAny(metadata, topicNames, timeoutMs)
      .then((answer) => {
        heard = answer
        return answer
      })
      .finally(() => {
        refreshing = undefined
      })
    return refreshing
  }
  const view = async (timeoutMs: number) => heard ?? refresh(timeoutMs)

  return {
    view,
    refresh,
    pin: (ids) => {
      pinned = ids
    },
    leaderOf: async (topicName, part, timeoutMs) => {
      const topic = (await view(timeoutMs)).topics.find(({ name }) => name === topicName)
      requireSame(topicName, topic, pinned.get(topicName))
      const partition = topic?.partitions.find((each) => each.part === part)
      if (topic === undefined || partition === undefined)
        throw kafkaError(topic?.error || CODES.UNKNOWN_TOPIC_OR_PARTITION, topicName)
      if (partition.leader < 0) throw kafkaError(partition.error || CODES.LEADER_NOT_AVAILABLE, `${topicName}-${part}`)
      return { leader: partition.leader, topicId: topic.id }
    },
    send: async ({ broker, lane, timeoutMs }, api, request) => {
      const found = (await view(timeoutMs)).brokers.find(({ id }) => id === broker)
      if (found === undefined) throw kafkaError(CODES.LEADER_NOT_AVAILABLE, `broker ${broker} is away`)
      return connections.send(found, lane, { api, request, timeoutMs })
    },
    sendToAny,
    started: () => {
      limitMs = CALL_MS
    },
    attempt: async (what, work) => {
      const until = performance.now() + limitMs
      const leftMs = () => Math.max(1, until - performance.now())
      for (;;) {
        let failure: unknown
        try {
          return await work(Math.min(CALL_MS, leftMs()))
        } catch (error) {
          if (isProblem(error)) throw error
          failure = error
        }
        const code = codeOf(failure)
        const isFinal = closed || (code !== undefined && !isPassing(code))
        if (isFinal || leftMs() < LEAST_MS + RETRY_MS) throw unavailable(what, failure)
        await pause(RETRY_MS)
        // A failure here is the failure of the next try.
        await refresh(Math.min(CALL_MS, leftMs())).catch(() => undefined)
        if (leftMs() < LEAST_MS) throw unavailable(what, failure)
      }
    },
    hangUp: (lane) => connections.close(lane),
    close: () => {
      closed = true
      connections.close()
    },
  }
}

export const unavailable = (what: string, cause?: unknown) =>
  commonProblems.unavailable.create(cause instanceof Error ? `${what}: ${cause.message}` : what, {
    cause,
    retryAfterMs: RETRY_AFTER_MS,
  })

function requireSame(name: string, topic: TopicMetadata | undefined, pinned: string | undefined): void {
  if (topic === undefined || topic.error !== 0 || pinned === undefined || topic.id === pinned) return
  throw unavailable(
    `the Kafka topic ${name} was deleted and made again: its events are gone, and reading goes on only after somebody decided so (see the runbook of @soma/adapter-kafka)`,
  )
}

function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (colon < 1 || !Number.isInteger(port) || port < 1) throw new Error(`"${text}" is no Kafka broker: host:port is`)
  return { host: text.slice(0, colon), port }
}

interface Call<Request, Response> {
  readonly api: Api<Request, Response>
  readonly request: Request
  readonly timeoutMs: number
}

/** One connection a broker and lane, made when it is needed and made again after it ended. */
function createConnections({ tls, sasl, log }: ClusterOptions) {
  const open = new Map<string, Promise<Connection>>()
  let isDown = false
  let closed = false

  const connect = async (address: Address, timeoutMs: number): Promise<Connection> => {
    try {
      const limits = { timeoutMs: Math.min(CONNECT_MS, timeoutMs), needs: NEEDS }
      const connection = await openConnection(address, { tls, sasl }, limits)
      if (closed) connection.close()
      if (isDown) log.info('connected to Kafka again', { broker: `${address.host}:${address.port}` })
      isDown = false
      return connection
    } catch (error) {
      if (!isDown) log.warn('a Kafka broker cannot be reached; trying again for ever', { error })
      isDown = true
      throw error
    }
  }
  const connectionTo = async (address: Address, lane: Lane, timeoutMs: number): Promise<Connection> => {
    const name = `${address.host}:${address.port}/${lane}`
    const known = open.get(name)
    const usable = await known?.catch(() => undefined)
    if (usable?.isUsable() === true) return usable
    if (open.get(name) === known) open.set(name, connect(address, timeoutMs))
    return (await open.get(name)) as Connection
  }
  return {
    send: async <Request, Response>(
      address: Address,
      lane: Lane,
      { api, request, timeoutMs }: Call<Request, Response>,
    ) => {
      if (closed) throw new Error('the event bus is closed')
      const connection = await connectionTo(address, lane, timeoutMs)
      return connection.send(api, request, timeoutMs)
    },
    /** All of them for good, or those of a lane until they are needed again. */
    close: (lane?: Lane) => {
      closed ||= lane === undefined
      for (const [name, each] of open)
        if (lane === undefined || name.endsWith(`/${lane}`))
          each.then(
            (connection) => connection.close(),
            () => undefined,
          )
    },
  }
}
