import { type EventDefinition, type ModuleDatabase, newUuid, PLATFORM_TENANT, type Transaction } from '@soma/kernel'
import { jsonSchemaOf, kindOfType } from '../contract/compatibility.ts'
import { type EventDefinitionInput, eventDefinitionInput } from '../contract/event-definitions.ts'
import { digestOf } from './digest.ts'
import { definitionDigest } from './event-definitions/register-definitions.ts'
import { insertDefinitions, selectDefinitions } from './event-definitions/store.ts'
import { insertSchemas, selectVersions } from './schemas/store.ts'
import { semverOrder } from './semver-order.ts'

/** The first segments of the platform's event types: closed to tenants. */
export const nounsOf = (events: readonly EventDefinition[]): ReadonlySet<string> =>
  new Set(events.map((event) => event.type.slice(0, event.type.indexOf('.'))))

/**
 * Registers the events of all contracts in tenant `platform`. Equal digests write nothing.
 * @throws Error naming each event whose content differs from what an earlier build registered under the same version.
 */
export async function registerPlatformEvents(
  database: ModuleDatabase,
  events: readonly EventDefinition[],
): Promise<void> {
  if (events.length === 0) return
  const definitions = events.map(toDefinition)
  await database.asWorker(database.moduleContext(PLATFORM_TENANT), (tx) => write(tx, definitions))
}

function toDefinition(event: EventDefinition): EventDefinitionInput & { schemaName: string } {
  const definition = eventDefinitionInput.parse({
    topic: event.topic,
    type: event.type,
    version: event.version,
    kind: kindOfType(event.type),
    description: event.summary,
    schema: { jsonSchema: jsonSchemaOf(event) },
  })
  return { ...definition, schemaName: event.type }
}

async function write(tx: Transaction, definitions: readonly (EventDefinitionInput & { schemaName: string })[]) {
  const known = await selectDefinitions(tx, definitions)
  const isKnown = (definition: EventDefinitionInput) =>
    known.find(
      (row) => row.topic === definition.topic && row.type === definition.type && row.version === definition.version,
    )
  const changed = definitions.filter((definition) => {
    const row = isKnown(definition)
    return row !== undefined && row.digest !== digestWithout(definition)
  })
  if (changed.length > 0) throw new Error(await explain(tx, changed))
  const missing = definitions.filter((definition) => isKnown(definition) === undefined)
  if (missing.length === 0) return
  await insertSchemas(tx, missing.map(schemaRow), PLATFORM_TENANT)
  await insertDefinitions(tx, missing.map(definitionRow), PLATFORM_TENANT)
}

const digestWithout = ({ schemaName: _name, ...definition }: EventDefinitionInput & { schemaName: string }) =>
  definitionDigest(definition)

const inlineOf = (definition: EventDefinitionInput) => (definition.schema as { jsonSchema: unknown }).jsonSchema

const schemaRow = (definition: EventDefinitionInput & { schemaName: string }) => ({
  id: newUuid(),
  name: definition.schemaName,
  version: definition.version,
  version_order: semverOrder(definition.version),
  json_schema: inlineOf(definition),
  digest: digestOf(inlineOf(definition)),
  description: definition.description,
})

const definitionRow = (definition: EventDefinitionInput & { schemaName: string }) => ({
  topic: definition.topic,
  type: definition.type,
  version: definition.version,
  version_order: semverOrder(definition.version),
  kind: definition.kind,
  description: definition.description,
  purpose: null,
  schema_name: definition.schemaName,
  schema_version: definition.version,
  response_type: null,
  response_topic: null,
  response_schema: null,
  side_effects: definition.sideEffects,
  examples: definition.examples,
  tags: definition.tags,
  owner_agent: null,
  digest: digestWithout(definition),
})

/** The event, and the top-level members of its schema that differ. */
async function explain(tx: Transaction, changed: readonly EventDefinitionInput[]): Promise<string> {
  const stored = await selectVersions(
    tx,
    changed.map((definition) => ({ name: definition.type, version: definition.version })),
  )
  const lines = changed.map((definition) => {
    const before = stored.find((row) => row.name === definition.type)?.json_schema
    return `${definition.type} ${definition.version}: ${differences(before, inlineOf(definition)).join(', ') || 'texts'}`
  })
  return `events changed without a new version; raise the version of each: ${lines.join('; ')}`
}

function differences(before: unknown, after: unknown): string[] {
  const left = (before as { properties?: Record<string, unknown> } | undefined)?.properties ?? {}
  const right = (after as { properties?: Record<string, unknown> } | undefined)?.properties ?? {}
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...names]
    .filter((name) => digestOf(left[name] ?? null) !== digestOf(right[name] ?? null))
    .map((name) => `/properties/${name}`)
}
