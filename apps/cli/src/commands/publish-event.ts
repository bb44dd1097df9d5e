import type { EventInput } from '@soma/events/contract'
import { fieldsView } from '../output/view.ts'
import { withoutUndefined } from '@soma/kernel'
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
  const { topic, id, key: partitionKey, correlation: correlationId, subject, response: responseType } = flags
  const data = flags.data === undefined ? undefined : ((await readValue(flags.data)) as EventInput['data'])
  const { clients } = await session.connect()
  const body = {
    type: args[0] as string,
    ...withoutUndefined({ topic, id, partitionKey, correlationId, subject, responseType, data }),
  }
  const published = await clients.events.events.publish({ body })
  await session.printer.result(published, publishedView)
  for (const { code, detail } of published.warnings) session.printer.note(`${code}: ${detail}`)
}
