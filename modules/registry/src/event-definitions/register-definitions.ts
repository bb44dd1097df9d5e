import { type Context, holds, type JsonSchema, type SchemaCompiler, type Transaction } from '@soma/kernel'
import type { EventDefinitionInput } from '../../contract/event-definitions.ts'
import { eventDefined } from '../../contract/facts.ts'
import { digestOf } from '../digest.ts'
import type { Findings } from '../findings.ts'
import { nextBelow, recordChange } from '../record-change.ts'
import { type PlacedSchema, registerSchemas } from '../schemas/register-schemas.ts'
import type { Bundles } from '../schemas/bundles.ts'
import { fullSchema, type SchemaRow, selectVersions } from '../schemas/store.ts'
import { semverOrder } from '../semver-order.ts'
import { checkExamples, type PlacedDefinition } from './check-definitions.ts'
import { checkDefinitionVersions, placeOf } from './check-versions.ts'
import {
  type DefinitionRow,
  insertDefinitions,
  selectDefinitionOwners,
  selectDefinitions,
  selectDefinitionsBelow,
} from './store.ts'

interface Registering {
  readonly schemas: readonly PlacedSchema[]
  readonly definitions: readonly PlacedDefinition[]
  readonly compiler: SchemaCompiler
  readonly findings: Findings
  readonly bundles: Bundles
  readonly ownerAgent?: string
}

/** The digest of what the owner declared, by which two declarations of one version are compared. */
export function definitionDigest(definition: EventDefinitionInput & { pointer?: string }): string {
  const { pointer: _pointer, ...declared } = definition
  return digestOf(declared)
}

/** Writes schemas and definitions that are new, in the caller's transaction. What contradicts the registry becomes a finding. */
export async function registerDefinitions(tx: Transaction, context: Context, input: Registering): Promise<void> {
  const named = await nameInlineSchemas(tx, context, input.definitions)
  await registerSchemas(tx, context, { ...input, schemas: [...input.schemas, ...named.schemas] })
  if (input.definitions.length === 0) return
  await checkReferences(tx, input)
  const known = (await selectDefinitions(tx, input.definitions)).filter((row) => row.tenant_id === context.tenantId)
  const missing = input.definitions.filter((definition) => !isKnown(known, definition, input.findings))
  await checkOwners(tx, context, { ...input, definitions: missing })
  if (missing.length === 0) return
  const levels = await checkDefinitionVersions(tx, context, { ...input, definitions: missing })
  const rows = missing.map((definition) => toInsert(definition, named.nameOf(definition), input))
  const inserted = await insertDefinitions(tx, rows, context.principal.id)
  for (const { topic, type, version, digest } of inserted) {
    const level = levels.get(placeOf({ topic, type, version }))
    const fact = { topic, type, version, digest, ...(level === undefined ? {} : { level }) }
    tx.emit(eventDefined, fact, { partitionKey: type })
  }
  await recordDefinitions(tx, context, inserted)
  if (inserted.length === missing.length) return
  const now = (await selectDefinitions(tx, input.definitions)).filter((row) => row.tenant_id === context.tenantId)
  for (const definition of missing) isKnown(now, definition, input.findings)
}

async function recordDefinitions(tx: Transaction, context: Context, rows: readonly DefinitionRow[]): Promise<void> {
  const below = await selectDefinitionsBelow(tx, rows)
  for (const row of rows) {
    const before = nextBelow(row, below, ({ topic, type }) => topic === row.topic && type === row.type)
    recordChange(tx, context, {
      action: 'event-definition.create',
      resource: { type: 'event-definition', id: placeOf(row) },
      before: before && declaredIn(before),
      after: declaredIn(row),
    })
  }
}

const declaredIn = (row: DefinitionRow) => ({
  version: row.version,
  kind: row.kind,
  description: row.description,
  purpose: row.purpose,
  schema: { name: row.schema_name, version: row.schema_version },
  responseType: row.response_type,
  responseTopic: row.response_topic,
  responseSchema: row.response_schema,
  sideEffects: row.side_effects,
  examples: row.examples,
  tags: row.tags,
})

function isKnown(known: readonly DefinitionRow[], definition: PlacedDefinition, findings: Findings): boolean {
  const { topic, type, version } = definition
  const row = known.find((other) => other.topic === topic && other.type === type && other.version === version)
  if (row === undefined) return false
  if (row.digest !== definitionDigest(definition)) {
    findings.add('schema-exists', {
      pointer: definition.pointer,
      detail: `event ${type} ${version} on ${topic} exists with other content`,
    })
  }
  return true
}

async function checkOwners(tx: Transaction, context: Context, input: Registering): Promise<void> {
  if (input.definitions.length === 0 || holds(context.principal, 'agent:manage')) return
  const owners = await selectDefinitionOwners(tx, input.definitions)
  for (const definition of input.definitions) {
    const owner = owners.find(
      (row) => row.tenant_id === context.tenantId && row.topic === definition.topic && row.type === definition.type,
    )
    if (owner === undefined || owner.owner_id === context.principal.id) continue
    input.findings.add('name-owned', {
      pointer: definition.pointer,
      detail: `event ${definition.type} on ${definition.topic} belongs to ${owner.owner_id}`,
    })
  }
}

/**
 * An inline schema is registered under the event's type. Where that name and version already stand for other content (the same type on
 * another topic), it is `<topic>.<type>`.
 */
async function nameInlineSchemas(tx: Transaction, context: Context, definitions: readonly PlacedDefinition[]) {
  const inline = definitions.filter((definition) => 'jsonSchema' in definition.schema)
  const taken = new Map<string, string>()
  if (inline.length > 0) {
    const rows = await selectVersions(
      tx,
      inline.map((definition) => ({ name: definition.type, version: definition.version })),
    )
    for (const row of rows) if (row.tenant_id === context.tenantId) taken.set(`${row.name}@${row.version}`, row.digest)
  }
  const names = new Map<PlacedDefinition, string>()
  const schemas: PlacedSchema[] = []
  for (const definition of inline) {
    const { jsonSchema } = definition.schema as { jsonSchema: PlacedSchema['jsonSchema'] }
    const digest = digestOf(jsonSchema)
    const place = `${definition.type}@${definition.version}`
    const name = (taken.get(place) ?? digest) === digest ? definition.type : `${definition.topic}.${definition.type}`
    if (name === definition.type && taken.get(place) === undefined) taken.set(place, digest)
    names.set(definition, name)
    if (schemas.some((schema) => schema.name === name && schema.version === definition.version)) continue
    schemas.push({
      name,
      version: definition.version,
      jsonSchema,
      description: definition.description,
      pointer: definition.pointer,
      isOfEvent: true,
    })
  }
  return { schemas, nameOf: (definition: PlacedDefinition) => names.get(definition) }
}

/** Schemas named by reference must be registered, and the examples must be valid against them. */
async function checkReferences(tx: Transaction, input: Registering): Promise<void> {
  const references = input.definitions.flatMap((definition) =>
    'jsonSchema' in definition.schema ? [] : [{ definition, ...definition.schema }],
  )
  if (references.length === 0) return
  const rows = await selectVersions(tx, references)
  for (const { definition, name, version } of references) {
    const row = rows.find((schema: SchemaRow) => schema.name === name && schema.version === version)
    if (row === undefined) {
      input.findings.add('schema-invalid', {
        pointer: `${definition.pointer}/schema`,
        code: 'unresolved-reference',
        detail: `no schema ${name} ${version} is registered`,
      })
      continue
    }
    checkExamples(definition, input.compiler.compile(fullSchema(row)).validate, input.findings)
  }
}

const toInsert = (
  definition: PlacedDefinition,
  inlineName: string | undefined,
  { ownerAgent, bundles }: Registering,
) => ({
  topic: definition.topic,
  type: definition.type,
  version: definition.version,
  version_order: semverOrder(definition.version),
  kind: definition.kind,
  description: definition.description,
  purpose: definition.purpose ?? null,
  schema_name: 'jsonSchema' in definition.schema ? (inlineName ?? definition.type) : definition.schema.name,
  schema_version: 'jsonSchema' in definition.schema ? definition.version : definition.schema.version,
  response_type: definition.responseType ?? null,
  response_topic: definition.responseTopic ?? null,
  response_schema: definition.responseSchema ?? null,
  response_bundled: responseBundle(definition, bundles),
  side_effects: definition.sideEffects,
  examples: definition.examples,
  tags: definition.tags,
  owner_agent: ownerAgent ?? null,
  digest: definitionDigest(definition),
})

function responseBundle({ responseSchema }: PlacedDefinition, bundles: Bundles): JsonSchema | null {
  if (responseSchema === undefined || !('jsonSchema' in responseSchema)) return null
  const bundled = bundles(responseSchema.jsonSchema)
  return bundled === responseSchema.jsonSchema ? null : bundled
}
