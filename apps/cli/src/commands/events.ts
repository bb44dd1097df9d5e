import { eventDefinitionInput } from '@soma/registry/contract'
import { type EventEnvelope, keyOf, withoutUndefined } from '@soma/kernel'
import type { Clients } from '@soma/sdk/clients'
import { UsageError } from '../failure.ts'
import { fieldsView, pageView } from '../output/view.ts'
import { readValue } from '../read-value.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'

type Stored = Awaited<ReturnType<Clients['events']['events']['get']>>
type Definition = Awaited<ReturnType<Clients['registry']['events']['get']>>

const listView = pageView<Stored>(
  [
    { title: 'event', of: ({ id }) => id, kind: 'id' },
    { title: 'type', of: ({ type }) => type },
    { title: 'topic', of: ({ topic }) => topic },
    { title: 'key', of: (event) => keyOf(event as EventEnvelope), kind: 'id' },
    { title: 'time', of: ({ time }) => time, kind: 'time' },
    { title: 'source', of: ({ source }) => source, kind: 'text' },
  ],
  ({ id }) => id,
)

const eventView = fieldsView<Stored>(
  ({ data, ...attributes }) => [
    ...Object.entries(attributes).map(([name, value]) => ({ name, value: String(value) })),
    { name: 'data', value: data === undefined ? undefined : JSON.stringify(data) },
  ],
  ({ id }) => [id],
)

const definitionView = fieldsView<Definition>(
  ({ type, topic, version, kind, status, schema, digest, consumers, producers }) => [
    { name: 'type', value: type, kind: 'id' },
    { name: 'topic', value: topic },
    { name: 'version', value: version },
    { name: 'kind', value: kind },
    { name: 'status', value: status, kind: 'status' },
    { name: 'schema', value: `${schema.name}@${schema.version}` },
    { name: 'digest', value: digest },
    { name: 'consumers', value: consumers },
    { name: 'producers', value: producers },
  ],
  ({ type, version }) => [`${type}@${version}`],
)

interface ListFlags extends PageFlags {
  readonly topic?: string
  readonly type?: string
  readonly key?: string
  readonly plan?: string
  readonly session?: string
  readonly correlation?: string
  readonly since?: string
}

export async function listEvents({ session, flags }: Handling<ListFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, topic, type, key, since: from } = flags
  const ids = { planId: flags.plan, sessionId: flags.session, correlationId: flags.correlation }
  const page = await clients.events.events.list({
    query: withoutUndefined({ limit, cursor, topic, type, key, from, ...ids }),
  })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function getEvent({ session, flags, args }: Handling<{ source?: string }>): Promise<void> {
  const { clients } = await session.connect()
  const query = withoutUndefined({ source: flags.source })
  const event = await clients.events.events.get({ params: { eventId: args[0] as string }, query })
  await session.printer.result(event, eventView)
}

/** Checks the definition before it is sent, so that what is wrong with the file is wrong use. */
export async function registerEvent({ session, args }: Handling<object>): Promise<void> {
  const parsed = eventDefinitionInput.safeParse(await readValue(args[0] as string))
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => `  /${path.join('/')}: ${message}`)
    throw new UsageError(['this is no event definition:', ...lines].join('\n'))
  }
  const { clients } = await session.connect()
  await session.printer.result(await clients.registry.events.create({ body: parsed.data }), definitionView)
}
