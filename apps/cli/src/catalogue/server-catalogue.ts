import type { Catalogue, EventDefinitionRecord, SchemaPromise } from '@soma/registry/contract'
import { connectTo } from '../connection.ts'
import { withoutUndefined } from '@soma/kernel'

type Clients = Awaited<ReturnType<typeof connectTo>>['clients']

/** What an installation promises: the latest active version of each event, and of each schema that no event has as its data. */
export async function readServerCatalogue(url: string): Promise<Catalogue> {
  const { clients } = await connectTo({ url })
  const events = newestOf(await activeEvents(clients), ({ topic, type }) => `${topic} ${type}`)
  const ofEvents = new Set(events.map(({ schema }) => schema.name))
  const schemas: SchemaPromise[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await clients.registry.schemas.list({
      query: { status: 'active', limit: 200, ...withoutUndefined({ cursor }) },
    })
    schemas.push(...page.items.filter(({ name }) => !ofEvents.has(name)))
    if (page.nextCursor === null) break
    cursor = page.nextCursor
  }
  return { events, schemas }
}

/** The newest version of each type and major, under the names that files have: `order.placed.v1`. */
export async function readServerMajors(url: string): Promise<Catalogue> {
  const { clients } = await connectTo({ url })
  const majorOf = ({ type, version }: EventDefinitionRecord) => `${type}.v${version.split('.')[0]}`
  const schemas = newestOf(await activeEvents(clients), majorOf).map((event) => ({
    name: majorOf(event),
    version: event.version,
    kind: event.kind,
    jsonSchema: event.jsonSchema,
  }))
  return { events: [], schemas }
}

/** In the order of their versions, as the registry lists them. */
async function activeEvents(clients: Clients): Promise<EventDefinitionRecord[]> {
  const events: EventDefinitionRecord[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await clients.registry.events.list({
      query: { status: 'active', limit: 200, ...withoutUndefined({ cursor }) },
    })
    events.push(...page.items)
    if (page.nextCursor === null) return events
    cursor = page.nextCursor
  }
}

/** The last of each name; releases before pre-releases. */
function newestOf(events: readonly EventDefinitionRecord[], nameOf: (event: EventDefinitionRecord) => string) {
  const newest = new Map<string, EventDefinitionRecord>()
  for (const event of events) {
    const known = newest.get(nameOf(event))
    if (known === undefined || !event.version.includes('-')) newest.set(nameOf(event), event)
  }
  return [...newest.values()]
}
