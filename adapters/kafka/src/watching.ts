import { setTimeout as pause } from 'node:timers/promises'
import type { Logger, LogNotice } from '@soma/kernel'
import type { Cluster } from './cluster.ts'
import { byLeader, keyOf, readStates } from './reading.ts'
import { nameOf, type Place, placesOf, type TopicNames } from './topic-names.ts'
import { kafkaError } from './wire/kafka-error.ts'
import { fetchRecords } from './wire/log-apis.ts'

/** How long a leader keeps a question that it has no answer for. */
const WAIT_MS = 5_000
const ANSWER_MS = 5_000
const RETRY_MS = 250

/**
 * Asks each leader for what comes after the known ends and is answered when something came. The answer holds at most one batch, because readers fetch what they
 * need; what counts are the ends.
 */
export async function watchEnds(
  cluster: Cluster,
  names: TopicNames,
  { listener, log }: { listener: (notice: LogNotice) => void; log: Logger },
): Promise<() => Promise<void>> {
  const places = placesOf(names)
  const ends = new Map<string, number>()
  const loops = new Map<number, Promise<void>>()
  let stopped = false

  const advance = (place: Place, end: number) => {
    if (end <= (ends.get(keyOf(place)) ?? 0)) return
    ends.set(keyOf(place), end)
    listener({ ...place, position: end })
  }
  const catchUp = async () => {
    for (const state of await readStates(cluster, names, places))
      advance({ topic: state.topic, part: state.part }, state.position)
  }
  const ask = async (leader: number, led: readonly Place[]) => {
    const ids = new Map<string, string>()
    for (const { topic } of led) ids.set((await cluster.leaderOf(nameOf(names, topic), 0, ANSWER_MS)).topicId, topic)
    const idOf = new Map([...ids].map(([id, topic]) => [topic, id]))
    const partitions = led.map((place) => ({
      topic: idOf.get(place.topic) ?? '',
      part: place.part,
      offset: ends.get(keyOf(place)) ?? 0,
      maxBytes: 1,
    }))
    const request = { maxWaitMs: WAIT_MS, minBytes: 1, maxBytes: 1, partitions }
    const answer = await cluster.send(
      { broker: leader, lane: 'watch', timeoutMs: WAIT_MS + ANSWER_MS },
      fetchRecords,
      request,
    )
    for (const { topic, part, error, end } of answer.partitions) {
      if (error !== 0) throw kafkaError(error)
      advance({ topic: ids.get(topic) ?? '', part }, end)
    }
  }
  /** Ends when the broker leads nothing any more. */
  const follow = async (leader: number) => {
    while (!stopped) {
      try {
        const groups = await byLeader(cluster, names, places, ANSWER_MS)
        for (const each of groups.keys()) start(each)
        const led = groups.get(leader)
        if (led === undefined) break
        await ask(leader, led)
      } catch (error) {
        if (stopped) break
        log.debug('Kafka could not be watched; it is tried again', { error })
        await pause(RETRY_MS)
        // What failed is asked for anew, and what came meanwhile is caught up with.
        await cluster
          .refresh(ANSWER_MS)
          .then(catchUp)
          .catch(() => undefined)
      }
    }
    loops.delete(leader)
  }
  const start = (leader: number) => {
    if (!stopped && !loops.has(leader)) loops.set(leader, follow(leader))
  }
  for (const { topic, part, position } of await readStates(cluster, names, places))
    ends.set(keyOf({ topic, part }), position)
  for (const leader of (await byLeader(cluster, names, places, ANSWER_MS)).keys()) start(leader)
  return async () => {
    stopped = true
    cluster.hangUp('watch')
    await Promise.allSettled(loops.values())
  }
}
