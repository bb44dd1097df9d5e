import { isTopic, type LogReader, TENANT_TOPICS, TOPICS, type Topic } from '@soma/kernel'
import { TOPIC_ALIASES } from '../../contract/aliases.ts'
import { requireReadings } from '../log/service.ts'

export function createTopicService(options: { reader: LogReader; retentionMs: Readonly<Record<Topic, number>> }) {
  const detail = async (topic: Topic) => ({
    topic,
    openToTenants: (TENANT_TOPICS as readonly string[]).includes(topic),
    retentionMs: options.retentionMs[topic],
    aliases: TOPIC_ALIASES.filter(({ topics }) => topics.includes(topic)).map(
      ({ name, types, exceptTypes, source }) => ({
        name,
        types: [...types],
        exceptTypes: [...exceptTypes],
        ...(source === undefined ? {} : { source }),
      }),
    ),
    partitions: (await options.reader.heads(topic))
      .map(({ part, position, oldestPosition }) => ({ part, head: position, oldest: oldestPosition }))
      .toSorted((left, right) => left.part - right.part),
  })
  return {
    list: async () => ({ items: await Promise.all(TOPICS.map(detail)) }),
    get: async (name: string) => detail(isTopic(name) ? name : ([...requireReadings([name]).keys()][0] as Topic)),
  }
}
