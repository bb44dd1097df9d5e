import type { EventBus, Logger } from '@soma/kernel'
import { createAppending } from './appending.ts'
import { type ClusterOptions, createCluster } from './cluster.ts'
import { keyOf, positionBefore, readAfter, readStates, trimTopic } from './reading.ts'
import { allNames, namesOf, placesOf, requirePlace } from './topic-names.ts'
import { prepareTopics, type TopicPromises } from './topics.ts'
import { watchEnds } from './watching.ts'

export interface KafkaBusOptions extends ClusterOptions, TopicPromises {
  /** Partitions of every topic; ours and Kafka's are the same. */
  readonly partitions: number
  /** First part of the names of topics and of the transactional id; default `soma`. */
  readonly prefix?: string
  readonly log: Logger
}

/**
 * The event log on Kafka 3.1 to 4.x: topic `soma.<topic>`, position = offset + 1.
 * @throws Error naming the topic and the setting that would break a promise; Problem `unavailable` when Kafka does not answer
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<EventBus> {
  const names = namesOf(options)
  const cluster = createCluster(options, allNames(names))
  try {
    await prepareTopics(cluster, names, options)
    const states = await readStates(cluster, names, placesOf(names))
    cluster.started()
    const append = createAppending(cluster, names, new Map(states.map((state) => [keyOf(state), state.position])))
    return {
      flags: { transactionalWithDatabase: false, nativeDedupe: false, writableFromOutside: true },
      append: async (records) => {
        for (const { topic, part } of records) requirePlace(names, topic, part)
        return append(records)
      },
      read: async ({ topic, part, after, limit }) => {
        requirePlace(names, topic, part)
        return readAfter(cluster, names, { topic, part, position: after.position, limit })
      },
      partitions: (topic) => readStates(cluster, names, placesOf(names, topic)),
      positionAt: async (topic, part, at) => {
        requirePlace(names, topic, part)
        return positionBefore(cluster, names, { topic, part }, at)
      },
      trim: (topic, before, passed = new Map<number, number>()) => trimTopic(cluster, names, { topic, before, passed }),
      watch: (listener) => watchEnds(cluster, names, { listener, log: options.log }),
      close: async () => cluster.close(),
    }
  } catch (error) {
    cluster.close()
    throw error
  }
}
