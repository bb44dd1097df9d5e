import {
  type Clock,
  type Context,
  commonProblems,
  isTopic,
  PLATFORM_TENANT,
  TENANT_TOPICS,
  TOPICS,
  type Topic,
} from '@soma/kernel'
import { TOPIC_ALIASES } from '../../contract/aliases.ts'
import { topicChanged } from '../../contract/facts.ts'
import { requireReadings } from '../log/service.ts'
import type { EventsPorts } from '../ports.ts'
import { factEnvelope } from '../writer/fact-envelope.ts'
import type { TopicLimits } from './limits.ts'
import { measureTopic, saveTopicSettings } from './store.ts'

export interface TopicServiceOptions extends Pick<EventsPorts, 'reader' | 'busTransaction' | 'recorder'> {
  readonly limits: TopicLimits
  readonly clock: Clock
}

type Changes = Parameters<typeof saveTopicSettings>[2]

export function createTopicService(options: TopicServiceOptions) {
  const detail = async (topic: Topic) => {
    const { oldest, bytes } = await options.busTransaction((session) => measureTopic(session, topic))
    return {
      topic,
      oldestAt: oldest?.toISOString() ?? null,
      bytes,
      openToTenants: (TENANT_TOPICS as readonly string[]).includes(topic),
      ...(await options.limits.of(topic)),
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
    }
  }
  return {
    list: async () => ({ items: await Promise.all(TOPICS.map(detail)) }),
    update: async (context: Context, topic: Topic, changes: Changes) => {
      await update(context, topic, changes, options)
      return detail(topic)
    },
    get: async (name: string) => detail(isTopic(name) ? name : ([...requireReadings([name]).keys()][0] as Topic)),
  }
}

/** The setting and its fact are one transaction. @throws forbidden outside the tenant platform: topics are everybody's. */
async function update(context: Context, topic: Topic, changes: Changes, options: TopicServiceOptions): Promise<void> {
  if (context.tenantId !== PLATFORM_TENANT)
    throw commonProblems.forbidden.create(
      'topics belong to all tenants: change them as a principal of the tenant platform',
    )
  const envelopes = await options.busTransaction(async (session) => {
    const limit = options.limits.effective(topic, await saveTopicSettings(session, topic, changes))
    const fact = factEnvelope(
      topicChanged,
      { topic, ...limit },
      { about: context, now: options.clock.now(), key: topic },
    )
    const written = [fact]
    await options.recorder.write(session, written)
    return written
  })
  options.recorder.committed(envelopes)
  options.limits.forget()
}
