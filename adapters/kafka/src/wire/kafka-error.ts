/** Codes that are acted upon; https://kafka.apache.org/protocol.html#protocol_error_codes */
export const CODES = {
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  UNKNOWN_PRODUCER_ID: 59,
  PRODUCER_FENCED: 90,
} as const

/** What heals by itself or with new metadata: leaders that move, replicas that are away, coordinators that load. */
const PASSING = new Map<number, string>([
  [3, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [5, 'LEADER_NOT_AVAILABLE'],
  [6, 'NOT_LEADER_OR_FOLLOWER'],
  [7, 'REQUEST_TIMED_OUT'],
  [8, 'BROKER_NOT_AVAILABLE'],
  [9, 'REPLICA_NOT_AVAILABLE'],
  [13, 'NETWORK_EXCEPTION'],
  [14, 'COORDINATOR_LOAD_IN_PROGRESS'],
  [15, 'COORDINATOR_NOT_AVAILABLE'],
  [16, 'NOT_COORDINATOR'],
  [19, 'NOT_ENOUGH_REPLICAS'],
  [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'],
  [41, 'NOT_CONTROLLER'],
  [51, 'CONCURRENT_TRANSACTIONS'],
  [56, 'KAFKA_STORAGE_ERROR'],
  [74, 'FENCED_LEADER_EPOCH'],
  [75, 'UNKNOWN_LEADER_EPOCH'],
  [78, 'OFFSET_NOT_AVAILABLE'],
  [100, 'UNKNOWN_TOPIC_ID'],
  [103, 'INCONSISTENT_TOPIC_ID'],
])

/** What people meet most, by name. */
const LASTING = new Map<number, string>([
  [1, 'OFFSET_OUT_OF_RANGE'],
  [10, 'MESSAGE_TOO_LARGE'],
  [29, 'TOPIC_AUTHORIZATION_FAILED'],
  [30, 'GROUP_AUTHORIZATION_FAILED'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED'],
  [33, 'UNSUPPORTED_SASL_MECHANISM'],
  [35, 'UNSUPPORTED_VERSION'],
  [38, 'INVALID_REPLICATION_FACTOR'],
  [44, 'POLICY_VIOLATION'],
  [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  [46, 'DUPLICATE_SEQUENCE_NUMBER'],
  [47, 'INVALID_PRODUCER_EPOCH'],
  [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
  [58, 'SASL_AUTHENTICATION_FAILED'],
  [59, 'UNKNOWN_PRODUCER_ID'],
  [87, 'INVALID_RECORD'],
  [90, 'PRODUCER_FENCED'],
])

export const isPassing = (code: number): boolean => PASSING.has(code)

export const nameOf = (code: number): string => PASSING.get(code) ?? LASTING.get(code) ?? `error ${code}`

const KAFKA = Symbol('kafka error')

export interface KafkaError extends Error {
  readonly [KAFKA]: number
}

/** A refusal of a broker. */
export const kafkaError = (code: number, message: string | null = null): KafkaError =>
  Object.assign(new Error(message === null || message === '' ? nameOf(code) : `${nameOf(code)}: ${message}`), {
    [KAFKA]: code,
  })

/** The code of a broker's refusal; undefined for anything else, such as a lost connection. */
export const codeOf = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && KAFKA in error ? (error as KafkaError)[KAFKA] : undefined
