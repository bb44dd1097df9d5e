import type { EventInput } from '@soma/events/contract'
import { fieldsView } from '../output/view.ts'
import { withoutUndefined } from '@soma/kernel'
import type { Clients } from '@soma/sdk/clients'
import { UsageError } from '../failure.ts'
import { readValue } from '../read-value.ts'
import type { Handling } from '../session.ts'

interface PublishFlags {
  readonly topic?: string
  readonly data?: string
  readonly id?: string
  readonly key?: string
  readonly correlation?: string
  readonly subject?: string
  readonly response?: string
}

interface Published {
  readonly eventId: string
  readonly topic: string
  readonly sequence?: string | undefined
  readonly recordedAt: string
  readonly duplicate: boolean
}

const publishedView = fieldsView<Published>(
  ({ eventId, topic, sequence, recordedAt, duplicate }) => [
    { name: 'event', value: eventId, kind: 'id' },
    { name: 'topic', value: topic },
    { name: 'sequence', value: sequence },
    { name: 'recorded', value: recordedAt },
    { name: 'duplicate', value: duplicate ? 'yes: this event was published before' : undefined },
  ],
  ({ eventId }) => [eventId],
)

export async function publishEvent({ session, flags, args }: Handling<PublishFlags>): Promise<void> {
  const { id, key: partitionKey, correlation: correlationId, subject, response: responseType } = flags
  const data = flags.data === undefined ? undefined : ((await readValue(flags.data)) as EventInput['data'])
  const { clients } = await session.connect()
  const type = args[0] as string
  const topic = flags.topic ?? (await topicOf(type, clients))
  const body = {
    type,
    ...withoutUndefined({ topic, id, partitionKey, correlationId, subject, responseType, data }),
  }
  const published = await clients.events.events.publish({ body })
  await session.printer.result(published, publishedView)
  for (const { code, detail } of published.warnings) session.printer.note(`${code}: ${detail}`)
}

/** The topic of a registered type. @throws UsageError when none or several have it */
async function topicOf(type: string, { registry }: Clients): Promise<string> {
  const { items } = await registry.events.list({ query: { type, limit: 200 } })
  const topics = [...new Set(items.map(({ topic }) => topic))]
  const [only, ...others] = topics
  if (only === undefined) throw new UsageError(`no event type "${type}" is registered: name the topic with --topic`)
  if (others.length > 0) throw new UsageError(`"${type}" is registered on ${topics.join(', ')}: choose with --topic`)
  return only
}
