import type { Api } from './api.ts'

export interface SupportedVersions {
  readonly error: number
  readonly apis: readonly { readonly key: number; readonly min: number; readonly max: number }[]
}

export const apiVersions: Api<undefined, SupportedVersions> = {
  name: 'ApiVersions',
  key: 18,
  version: 0,
  isFlexible: false,
  encode: () => undefined,
  decode: (from) => ({
    error: from.int16(),
    apis: from.array(() => ({ key: from.int16(), min: from.int16(), max: from.int16() })),
  }),
}

export interface PartitionMetadata {
  readonly error: number
  readonly part: number
  readonly leader: number
  readonly replicas: readonly number[]
}

export interface TopicMetadata {
  readonly error: number
  readonly name: string
  readonly id: string
  readonly partitions: readonly PartitionMetadata[]
}

export interface ClusterMetadata {
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  readonly clusterId: string
  readonly controller: number
  readonly topics: readonly TopicMetadata[]
}

/** The first version with topic ids, by which a topic that was made again is told from the one before, and no cluster operations. */
export const metadata: Api<readonly string[], ClusterMetadata> = {
  name: 'Metadata',
  key: 3,
  version: 12,
  isFlexible: true,
  encode: (to, names) =>
    to
      .compactArray(names, (name) => to.uuid(null).compactString(name).noTags())
      .boolean(false)
      .boolean(false)
      .noTags(),
  decode: (from) => {
    from.int32()
    const brokers = from.compactArray(() => {
      const broker = { id: from.int32(), host: from.compactString() ?? '', port: from.int32() }
      from.compactString()
      from.skipTags()
      return broker
    })
    const clusterId = from.compactString() ?? ''
    const controller = from.int32()
    const topics = from.compactArray(() => {
      const topic = { error: from.int16(), name: from.compactString() ?? '', id: from.uuid() }
      from.boolean()
      const partitions = from.compactArray(() => {
        const partition = { error: from.int16(), part: from.int32(), leader: from.int32() }
        from.int32()
        const replicas = from.compactArray(from.int32)
        from.compactArray(from.int32)
        from.compactArray(from.int32)
        from.skipTags()
        return { ...partition, replicas }
      })
      from.int32()
      from.skipTags()
      return { ...topic, partitions }
    })
    return { brokers, clusterId, controller, topics }
  },
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly replicas: number
  readonly settings: Readonly<Record<string, string>>
}

export interface Refusal {
  readonly name: string
  readonly error: number
  readonly message: string | null
}

export const createTopics: Api<{ topics: readonly NewTopic[]; timeoutMs: number }, readonly Refusal[]> = {
  name: 'CreateTopics',
  key: 19,
  version: 4,
  isFlexible: false,
  encode: (to, { topics, timeoutMs }) =>
    to
      .array(topics, ({ name, partitions, replicas, settings }) =>
        to
          .string(name)
          .int32(partitions)
          .int16(replicas)
          .array([], () => undefined)
          .array(Object.entries(settings), ([key, value]) => to.string(key).string(value)),
      )
      .int32(timeoutMs)
      .boolean(false),
  decode: (from) => {
    from.int32()
    return from.array(() => ({ name: from.string() ?? '', error: from.int16(), message: from.string() }))
  },
}

export interface TopicSettings extends Refusal {
  readonly settings: Readonly<Record<string, string>>
}

const TOPIC = 2

export const describeConfigs: Api<{ topics: readonly string[]; settings: readonly string[] }, TopicSettings[]> = {
  name: 'DescribeConfigs',
  key: 32,
  version: 1,
  isFlexible: false,
  encode: (to, { topics, settings }) =>
    to.array(topics, (name) => to.int8(TOPIC).string(name).array(settings, to.string)).boolean(false),
  decode: (from) => {
    from.int32()
    return from.array(() => {
      const answer = { error: from.int16(), message: from.string() }
      from.int8()
      const name = from.string() ?? ''
      const entries = from.array(() => {
        const entry = [from.string() ?? '', from.string() ?? ''] as const
        from.raw(3)
        from.array(() => [from.string(), from.string(), from.int8()])
        return entry
      })
      return { ...answer, name, settings: Object.fromEntries(entries) }
    })
  },
}

const TRANSACTION = 1

export interface Coordinator {
  readonly error: number
  readonly id: number
}

/** The broker that knows the epochs of a transactional id. */
export const findCoordinator: Api<string, Coordinator> = {
  name: 'FindCoordinator',
  key: 10,
  version: 2,
  isFlexible: false,
  encode: (to, transactionalId) => to.string(transactionalId).int8(TRANSACTION),
  decode: (from) => {
    from.int32()
    const error = from.int16()
    from.string()
    return { error, id: from.int32() }
  },
}

export interface ProducerIdentity {
  readonly error: number
  readonly producerId: bigint
  readonly epoch: number
}

/** Raises the epoch of a transactional id: whoever wrote under it before is fenced. */
export const initProducerId: Api<{ transactionalId: string; timeoutMs: number }, ProducerIdentity> = {
  name: 'InitProducerId',
  key: 22,
  version: 1,
  isFlexible: false,
  encode: (to, { transactionalId, timeoutMs }) => to.string(transactionalId).int32(timeoutMs),
  decode: (from) => {
    from.int32()
    return { error: from.int16(), producerId: from.bigInt64(), epoch: from.int16() }
  },
}

export interface SaslMechanisms {
  readonly error: number
  readonly mechanisms: readonly (string | null)[]
}

export const saslHandshake: Api<string, SaslMechanisms> = {
  name: 'SaslHandshake',
  key: 17,
  version: 1,
  isFlexible: false,
  encode: (to, mechanism) => to.string(mechanism),
  decode: (from) => ({ error: from.int16(), mechanisms: from.array(from.string) }),
}

export interface SaslAnswer {
  readonly error: number
  readonly message: string | null
  readonly bytes: Buffer
  /** 0 = without end. */
  readonly lifetimeMs: number
}

export const saslAuthenticate: Api<Buffer, SaslAnswer> = {
  name: 'SaslAuthenticate',
  key: 36,
  version: 1,
  isFlexible: false,
  encode: (to, bytes) => to.bytes(bytes),
  decode: (from) => ({ error: from.int16(), message: from.string(), bytes: from.bytes(), lifetimeMs: from.int64() }),
}
