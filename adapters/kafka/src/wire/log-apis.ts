import { groupBy } from '../group-by.ts'
import type { Api } from './api.ts'
import type { AbortedTransaction } from './record-batch.ts'

const ALL_REPLICAS_IN_SYNC = -1
const NO_REPLICA = -1
const NO_EPOCH = -1
const COMMITTED_ONLY = 1

const byTopic = <T extends { readonly topic: string }>(items: readonly T[]) => [...groupBy(items, ({ topic }) => topic)]

export interface ProduceRequest {
  readonly timeoutMs: number
  /** One batch a partition. */
  readonly batches: readonly { readonly topic: string; readonly part: number; readonly bytes: Buffer }[]
}

export interface Produced {
  readonly topic: string
  readonly part: number
  readonly error: number
  readonly baseOffset: number
  /** -1 where the writer's own time counts. */
  readonly appendedAtMs: number
  readonly message: string | null
}

export const produce: Api<ProduceRequest, Produced[]> = {
  name: 'Produce',
  key: 0,
  version: 8,
  isFlexible: false,
  encode: (to, { timeoutMs, batches }) =>
    to
      .string(null)
      .int16(ALL_REPLICAS_IN_SYNC)
      .int32(timeoutMs)
      .array(byTopic(batches), ([topic, ofTopic]) =>
        to.string(topic).array(ofTopic, ({ part, bytes }) => to.int32(part).bytes(bytes)),
      ),
  decode: (from) =>
    from
      .array(() => {
        const topic = from.string() ?? ''
        return from.array(() => {
          const answer = {
            topic,
            part: from.int32(),
            error: from.int16(),
            baseOffset: from.int64(),
            appendedAtMs: from.int64(),
          }
          from.int64()
          const refused = from.array(() => [from.int32(), from.string()] as const)
          return { ...answer, message: from.string() ?? refused[0]?.[1] ?? null }
        })
      })
      .flat(),
}

export interface FetchRequest {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly partitions: readonly {
    /** The topic's id: of a topic that was made again nothing is read. */
    readonly topic: string
    readonly part: number
    readonly offset: number
    readonly maxBytes: number
  }[]
}

export interface FetchedPartition {
  readonly topic: string
  readonly part: number
  readonly error: number
  /** The first offset that readers cannot see yet. */
  readonly end: number
  readonly start: number
  readonly aborted: readonly AbortedTransaction[]
  readonly bytes: Buffer
}

export interface Fetched {
  readonly error: number
  readonly partitions: FetchedPartition[]
}

export const fetchRecords: Api<FetchRequest, Fetched> = {
  name: 'Fetch',
  key: 1,
  version: 13,
  isFlexible: true,
  encode: (to, { maxWaitMs, minBytes, maxBytes, partitions }) =>
    to
      .int32(NO_REPLICA)
      .int32(maxWaitMs)
      .int32(minBytes)
      .int32(maxBytes)
      .int8(COMMITTED_ONLY)
      .int32(0)
      .int32(NO_EPOCH)
      .compactArray(byTopic(partitions), ([topic, ofTopic]) =>
        to
          .uuid(topic)
          .compactArray(ofTopic, ({ part, offset, maxBytes: most }) =>
            to.int32(part).int32(NO_EPOCH).int64(offset).int32(NO_EPOCH).int64(-1).int32(most).noTags(),
          )
          .noTags(),
      )
      .compactArray([], () => undefined)
      .compactString('')
      .noTags(),
  decode: (from) => {
    from.int32()
    const error = from.int16()
    from.int32()
    const partitions = from.compactArray(() => {
      const topic = from.uuid()
      const ofTopic = from.compactArray(() => {
        const part = from.int32()
        const failure = from.int16()
        from.int64()
        const end = from.int64()
        const start = from.int64()
        const aborted = from.compactArray(() => {
          const transaction = { producerId: from.bigInt64(), firstOffset: from.int64() }
          from.skipTags()
          return transaction
        })
        from.int32()
        const bytes = from.compactBytes()
        from.skipTags()
        return { topic, part, error: failure, end, start, aborted, bytes }
      })
      from.skipTags()
      return ofTopic
    })
    return { error, partitions: partitions.flat() }
  },
}

export const EARLIEST = -2
/** With committed records only: the first offset that readers cannot see yet. */
export const LATEST = -1

export interface OffsetQuery {
  readonly topic: string
  readonly part: number
  /** A time in ms, EARLIEST or LATEST. */
  readonly at: number
}

export interface FoundOffset {
  readonly topic: string
  readonly part: number
  readonly error: number
  /** -1 = nothing at or after that time. */
  readonly offset: number
}

export const listOffsets: Api<readonly OffsetQuery[], FoundOffset[]> = {
  name: 'ListOffsets',
  key: 2,
  version: 5,
  isFlexible: false,
  encode: (to, queries) =>
    to
      .int32(NO_REPLICA)
      .int8(COMMITTED_ONLY)
      .array(byTopic(queries), ([topic, ofTopic]) =>
        to.string(topic).array(ofTopic, ({ part, at }) => to.int32(part).int32(NO_EPOCH).int64(at)),
      ),
  decode: (from) => {
    from.int32()
    return from
      .array(() => {
        const topic = from.string() ?? ''
        return from.array(() => {
          const place = { topic, part: from.int32(), error: from.int16() }
          from.int64()
          const offset = from.int64()
          from.int32()
          return { ...place, offset }
        })
      })
      .flat()
  },
}

export interface DeleteRequest {
  readonly timeoutMs: number
  /** Records before the offset go. */
  readonly partitions: readonly { readonly topic: string; readonly part: number; readonly offset: number }[]
}

export interface DeletedRecords {
  readonly topic: string
  readonly part: number
  readonly error: number
  readonly start: number
}

export const deleteRecords: Api<DeleteRequest, DeletedRecords[]> = {
  name: 'DeleteRecords',
  key: 21,
  version: 1,
  isFlexible: false,
  encode: (to, { timeoutMs, partitions }) =>
    to
      .array(byTopic(partitions), ([topic, ofTopic]) =>
        to.string(topic).array(ofTopic, ({ part, offset }) => to.int32(part).int64(offset)),
      )
      .int32(timeoutMs),
  decode: (from) => {
    from.int32()
    return from
      .array(() => {
        const topic = from.string() ?? ''
        return from.array(() => ({ topic, part: from.int32(), start: from.int64(), error: from.int16() }))
      })
      .flat()
  },
}
