import { LOG_START, type LogRecord, type PartitionState, type Position } from '@soma/kernel'
import { type Cluster, unavailable } from './cluster.ts'
import { groupBy } from './group-by.ts'
import { toRecord } from './message.ts'
import { nameOf, type Place, placesOf, type TopicNames, topicOf } from './topic-names.ts'
import { CODES, codeOf, kafkaError } from './wire/kafka-error.ts'
import { deleteRecords, EARLIEST, type FetchedPartition, fetchRecords, LATEST, listOffsets } from './wire/log-apis.ts'
import { decodeBatches } from './wire/record-batch.ts'

/** What one answer may hold; a single larger batch comes whole. */
const MOST_BYTES = 4 * 1024 * 1024
const LEAST_BYTES = 16 * 1024
/** An event with its headers. What a reader did not ask for would be decoded for nothing: of larger ones the rest comes with the next answer. */
const RECORD_BYTES = 2 * 1024

/** Reads from a position, no consumer group involved. A trimmed place reads from the oldest. @throws Problem when the log ends before the place */
export async function readAfter(
  cluster: Cluster,
  names: TopicNames,
  from: Place & { readonly position: number; readonly limit: number },
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  const place = { topic: from.topic, part: from.part }
  for (let offset = from.position; records.length < from.limit; ) {
    const wanted = from.limit - records.length
    const maxBytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, wanted * RECORD_BYTES))
    const answer = await fetchFrom(cluster, names, { ...from, offset, maxBytes })
    const stored = decodeBatches(answer.bytes, answer.offset, answer.aborted)
    records.push(...stored.slice(0, wanted).map((each) => toRecord(place, each)))
    const last = stored.at(-1)
    if (last === undefined || last.offset + 1 >= answer.end) break
    offset = last.offset + 1
  }
  return records
}

type FetchPlace = Place & { readonly offset: number; readonly maxBytes: number }

async function fetchFrom(
  cluster: Cluster,
  names: TopicNames,
  at: FetchPlace,
): Promise<FetchedPartition & { readonly offset: number }> {
  const what = `${nameOf(names, at.topic)}-${at.part} could not be read`
  return cluster.attempt(what, async (timeoutMs) => {
    try {
      return await fetchOnce(cluster, names, at, timeoutMs)
    } catch (error) {
      if (codeOf(error) !== CODES.OFFSET_OUT_OF_RANGE) throw error
      const start = (await offsetsOf(cluster, names, [at], EARLIEST)).get(keyOf(at)) ?? 0
      if (at.offset >= start)
        throw unavailable(`${what}: it ends before position ${at.offset}, so events are lost or it was made again`)
      return fetchOnce(cluster, names, { ...at, offset: start }, timeoutMs)
    }
  })
}

async function fetchOnce(
  cluster: Cluster,
  names: TopicNames,
  { topic, part, offset, maxBytes }: FetchPlace,
  timeoutMs: number,
) {
  const { leader, topicId } = await cluster.leaderOf(nameOf(names, topic), part, timeoutMs)
  const partitions = [{ topic: topicId, part, offset, maxBytes }]
  const request = { maxWaitMs: 0, minBytes: 0, maxBytes, partitions }
  const { error, partitions: answers } = await cluster.send(
    { broker: leader, lane: 'read', timeoutMs },
    fetchRecords,
    request,
  )
  const failure = error || answers[0]?.error || 0
  if (failure !== 0) throw kafkaError(failure)
  return { ...(answers[0] as FetchedPartition), offset }
}

export const keyOf = ({ topic, part }: Place): string => `${topic}:${part}`

/** Offsets by place; -1 where nothing is at or after the time. */
export async function offsetsOf(
  cluster: Cluster,
  names: TopicNames,
  places: readonly Place[],
  at: number,
): Promise<Map<string, number>> {
  return cluster.attempt('the Kafka offsets could not be listed', async (timeoutMs) => {
    const groups = await byLeader(cluster, names, places, timeoutMs)
    const answers = await Promise.all(
      [...groups].map(([leader, group]) => {
        const queries = group.map(({ topic, part }) => ({ topic: nameOf(names, topic), part, at }))
        return cluster.send({ broker: leader, lane: 'read', timeoutMs }, listOffsets, queries)
      }),
    )
    const found = new Map<string, number>()
    for (const { topic, part, error, offset } of answers.flat()) {
      if (error !== 0) throw kafkaError(error, `${topic}-${part}`)
      found.set(keyOf({ topic: topicOf(names, topic), part }), offset)
    }
    return found
  })
}

export async function byLeader<T extends Place>(
  cluster: Cluster,
  names: TopicNames,
  places: readonly T[],
  timeoutMs: number,
): Promise<Map<number, T[]>> {
  const led = await Promise.all(
    places.map(async (place) => ({
      place,
      leader: (await cluster.leaderOf(nameOf(names, place.topic), place.part, timeoutMs)).leader,
    })),
  )
  const groups = [...groupBy(led, ({ leader }) => leader)]
  return new Map(groups.map(([leader, group]) => [leader, group.map(({ place }) => place)]))
}

/** @throws Problem `unavailable` when a partition has no leader: one that is away is not an empty one */
export async function readStates(
  cluster: Cluster,
  names: TopicNames,
  places: readonly Place[],
): Promise<PartitionState[]> {
  const [starts, ends] = await Promise.all([
    offsetsOf(cluster, names, places, EARLIEST),
    offsetsOf(cluster, names, places, LATEST),
  ])
  return places.map((place) => ({
    ...place,
    segment: 1,
    position: ends.get(keyOf(place)) ?? 0,
    oldestPosition: (starts.get(keyOf(place)) ?? 0) + 1,
  }))
}

/** The position before the first record at or after a time. */
export async function positionBefore(cluster: Cluster, names: TopicNames, place: Place, time: Date): Promise<Position> {
  // The head first: what is recorded meanwhile is behind it, so it is read.
  const head = (await offsetsOf(cluster, names, [place], LATEST)).get(keyOf(place)) ?? 0
  const first = (await offsetsOf(cluster, names, [place], Math.max(0, time.getTime()))).get(keyOf(place)) ?? -1
  return { ...LOG_START, segment: 1, position: first === -1 ? head : first }
}

/** Deletes each partition's records before the time that all readers have passed; answers how many. */
export async function trimTopic(
  cluster: Cluster,
  names: TopicNames,
  { topic, before, passed }: { topic: string; before: Date; passed: ReadonlyMap<number, number> },
): Promise<number> {
  const places = placesOf(names, topic).filter(({ part }) => passed.has(part))
  const [starts, heads, firsts] = await Promise.all([
    offsetsOf(cluster, names, places, EARLIEST),
    offsetsOf(cluster, names, places, LATEST),
    offsetsOf(cluster, names, places, Math.max(0, before.getTime())),
  ])
  const wanted = places.flatMap((place) => {
    const first = firsts.get(keyOf(place)) ?? -1
    const upTo = Math.min(first === -1 ? (heads.get(keyOf(place)) ?? 0) : first, passed.get(place.part) ?? 0)
    const dropped = upTo - (starts.get(keyOf(place)) ?? 0)
    return dropped > 0 ? [{ ...place, offset: upTo, dropped }] : []
  })
  await cluster.attempt(`${nameOf(names, topic)} could not be trimmed`, async (timeoutMs) => {
    for (const [leader, group] of await byLeader(cluster, names, wanted, timeoutMs)) {
      const partitions = group.map(({ part, offset }) => ({ topic: nameOf(names, topic), part, offset }))
      const answers = await cluster.send({ broker: leader, lane: 'read', timeoutMs }, deleteRecords, {
        timeoutMs,
        partitions,
      })
      const failed = answers.find(({ error }) => error !== 0 && error !== CODES.OFFSET_OUT_OF_RANGE)
      if (failed !== undefined) throw kafkaError(failed.error, `${failed.topic}-${failed.part}`)
    }
  })
  return wanted.reduce((sum, { dropped }) => sum + dropped, 0)
}
