import type { EventDefinitionRecord, registryContract, SchemaSource } from '@soma/registry/contract'
import { type Client, type Context, isProblem, type ModuleDatabase, TENANT_TOPICS } from '@soma/kernel'
import { type EventTypes, toForeignType } from '../events/types.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import { selectRecords, upsertRecord } from '../records/store.ts'
import type { EventAnswer, EventDefinition } from './dtos.ts'
import type { MayReword } from './ownership.ts'
import { firstPages } from '../wire/first-pages.ts'

/** Event definitions by `<topic> <name>`. */
const EVENT_NAMES = { kind: 'event', userId: '' } as const
const MAXIMUM_TYPE = 255

export interface EventDefinitionOptions {
  readonly registry: Client<typeof registryContract>
  readonly database: ModuleDatabase
  readonly types: EventTypes
  readonly mayReword: MayReword
}

/** Event definitions of the dialect: kept as they came, and defined here as far as ours has words for them (SOO-R5). */
export function createEventDefinitions({ registry, database, types, mayReword }: EventDefinitionOptions) {
  const sourceOf = async (context: Context, event: EventDefinition): Promise<SchemaSource> => {
    const { payloadSchemaName: name, payloadSchema } = event
    const named = name && (await registry.schemas.get(context, { params: { name } }).catch(ignoreRefusal))
    return named ? { name, version: named.version } : { jsonSchema: payloadSchema ?? true }
  }

  /** What contradicts the version that is there gets the next minor one, what breaks readers the next major one; what no version can say is left out. */
  const define = async (context: Context, event: EventDefinition): Promise<void> => {
    const { topic } = event
    const type = types.toOwn(event.eventName)
    if (!(TENANT_TOPICS as readonly string[]).includes(topic) || type.length > MAXIMUM_TYPE) return
    const current = await registry.events.get(context, { params: { topic, type }, query: {} }).catch(ignoreNotFound)
    if (current !== undefined && !(await mayReword(context, current.ownerId))) return
    const schema = await sourceOf(context, event)
    for (const version of versionsAfter(current?.version)) {
      const body = { topic, type, version, kind: kindOf(topic), description: event.description || type, schema }
      const isDone = await registry.events.create(context, { body }).then(() => true, isFinal)
      if (isDone) return
    }
  }

  const ownDefinitions = (context: Context): Promise<EventDefinitionRecord[]> =>
    firstPages(({ limit, cursor }) =>
      registry.events.list(context, { query: { visibility: 'tenant', limit, ...cursor } }),
    )

  return {
    register: async (context: Context, event: EventDefinition) => {
      await define(context, event)
      const { eventName, topic } = event
      const record = { foreignId: `${topic} ${eventName}`, ownId: `${topic}/${types.toOwn(eventName)}`, detail: event }
      const isNew = await database.transaction(context, (tx) => upsertRecord(tx, EVENT_NAMES, record))
      const message = `Event '${eventName}' ${isNew ? 'registered' : 'updated'} successfully.`
      return { eventName, success: true as const, message }
    },

    /** Those that were registered here, of more than 1,000 those that came last, and the tenant's others; by name. */
    list: async (context: Context, filter: { event_name?: string | undefined; topic?: string | undefined }) => {
      const { event_name: eventName, topic } = filter
      const said = { ...(eventName ? { eventName } : {}), ...(topic ? { topic } : {}) }
      const rows = await database.transaction(context, (tx) => selectRecords<EventAnswer>(tx, EVENT_NAMES, { said }))
      const known = new Map(rows.map(({ own_id, detail }) => [own_id, detail]))
      for (const definition of await ownDefinitions(context)) {
        const ownId = `${definition.topic}/${definition.type}`
        if (!known.has(ownId)) known.set(ownId, toAnswer(definition))
      }
      return [...known.values()]
        .filter((event) => (!eventName || event.eventName === eventName) && (!topic || event.topic === topic))
        .toSorted((one, other) => (`${one.eventName} ${one.topic}` < `${other.eventName} ${other.topic}` ? -1 : 1))
    },
  }
}

function versionsAfter(current: string | undefined): string[] {
  if (current === undefined) return ['1.0.0']
  const [major = 0, minor = 0] = current.split('.').map(Number)
  return [current, `${major}.${minor + 1}.0`, `${major + 1}.0.0`]
}

/** Whether another version would not help either. @throws what is no matter of words */
function isFinal(error: unknown): boolean {
  if (!isProblem(error)) throw error
  if (error.code === 'schema-exists' || error.code === 'schema-incompatible') return false
  if (error.code === 'schema-invalid' || error.code === 'name-owned') return true
  throw error
}

const ignoreRefusal = (error: unknown): undefined => {
  if (!isProblem(error) || (error.status !== 404 && error.status !== 422)) throw error
}

const kindOf = (topic: string): 'request' | 'reply' | 'fact' =>
  topic === 'action-requests' ? 'request' : topic === 'action-results' ? 'reply' : 'fact'

const toAnswer = ({ type, topic, description, schema }: EventDefinitionRecord): EventAnswer => ({
  eventName: toForeignType(type),
  topic,
  description,
  payloadSchemaName: schema.name,
  responseSchemaName: null,
  payloadSchema: null,
  responseSchema: null,
})
