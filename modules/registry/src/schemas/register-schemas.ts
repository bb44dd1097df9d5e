import {
  type Context,
  holds,
  type JsonSchema,
  newUuid,
  pointerTo,
  type SchemaCompiler,
  type Transaction,
  toId,
} from '@soma/kernel'
import { type ChangeLevel, compareSchemas } from '../../contract/compatibility.ts'
import { schemaRegistered } from '../../contract/facts.ts'

import { addressOf } from '../../contract/schema-reference.ts'
import type { SchemaInput } from '../../contract/schemas.ts'
import { checkVersion } from '../compatibility/check-version.ts'
import { withCounterexamples } from '../compatibility/counterexamples.ts'
import { digestOf } from '../digest.ts'
import type { Findings } from '../findings.ts'
import { nextBelow, recordChange } from '../record-change.ts'
import { semverOrder } from '../semver-order.ts'
import { bytesOf, MAX_SCHEMA_BYTES, referencesOf, tooLarge } from './bundle-schema.ts'
import type { Bundles } from './bundles.ts'
import {
  fullSchema,
  insertSchemas,
  lockNames,
  type SchemaRow,
  selectByNames,
  selectOwners,
  selectSchemasBelow,
  selectVersions,
} from './store.ts'

/** A schema on its way in, with the place in the request where it stands. */
export interface PlacedSchema extends SchemaInput {
  readonly pointer: string
  /** It is the data of an event definition, which is compared as a whole. */
  readonly isOfEvent?: true
}

/** Compiles a schema strictly, with all that it refers to; what does not hold becomes a finding. */
export function checkSchema(
  compiler: SchemaCompiler,
  jsonSchema: JsonSchema,
  at: { pointer: string; findings: Findings; bundles: Bundles },
) {
  const bundled = at.bundles(jsonSchema)
  const bytes = bytesOf(bundled)
  if (bytes > MAX_SCHEMA_BYTES) {
    at.findings.add('schema-invalid', { ...tooLarge(bytes), pointer: at.pointer })
    return undefined
  }
  const compiled = compiler.compile(bundled)
  // Why a reference to a registered schema leads nowhere was said when it was looked for.
  const said = new Set(referencesOf(jsonSchema).map(({ pointer }) => pointer))
  for (const issue of compiled.issues ?? []) {
    if (issue.code === 'ref' && said.has(issue.pointer)) continue
    const pointer = isInside(jsonSchema, issue.pointer) ? issue.pointer : ''
    at.findings.add('schema-invalid', { ...issue, pointer: `${at.pointer}${pointer}` })
  }
  return compiled.validate
}

/** Whether a place in a bundle is one of the schema itself, and not in a definition that the bundle added. */
function isInside(schema: JsonSchema, pointer: string): boolean {
  const [, keyword, name = ''] = pointer.split('/')
  const { $defs = {} } = typeof schema === 'boolean' ? {} : (schema as { $defs?: object })
  return keyword !== '$defs' || name === '' || Object.keys($defs).some((own) => pointerTo([own]) === `/${name}`)
}

/** Writes what is new, in the caller's transaction. Another digest of a known version, or a name of another principal, becomes a finding. */
export async function registerSchemas(
  tx: Transaction,
  context: Context,
  input: { schemas: readonly PlacedSchema[]; findings: Findings; compiler: SchemaCompiler; bundles: Bundles },
): Promise<SchemaRow[]> {
  if (input.schemas.length === 0) return []
  const known = (await selectVersions(tx, input.schemas)).filter((row) => row.tenant_id === context.tenantId)
  const missing = input.schemas.filter((schema) => !isKnown(known, schema, input.findings))
  await checkOwners(tx, context, { ...input, schemas: missing })
  if (missing.length === 0) return known
  const levels = await checkVersions(tx, context, { ...input, schemas: missing })
  const inserted = await insertSchemas(tx, missing.map(toInsert(input.bundles)), context.principal.id)
  for (const row of inserted) emitRegistered(tx, row, levels.get(`${row.name}@${row.version}`))
  await recordSchemas(tx, context, inserted)
  const raced = missing.length - inserted.length
  if (raced === 0) return [...known, ...inserted]
  const now = (await selectVersions(tx, input.schemas)).filter((row) => row.tenant_id === context.tenantId)
  for (const schema of missing) isKnown(now, schema, input.findings)
  return now
}

async function recordSchemas(tx: Transaction, context: Context, rows: readonly SchemaRow[]): Promise<void> {
  const below = await selectSchemasBelow(tx, rows)
  for (const row of rows) {
    const before = nextBelow(row, below, ({ name }) => name === row.name)
    recordChange(tx, context, {
      action: 'schema.create',
      resource: { type: 'schema', id: addressOf(row) },
      before: before && declaredIn(before),
      after: declaredIn(row),
    })
  }
}

const declaredIn = (row: SchemaRow) => ({
  version: row.version,
  description: row.description,
  digest: row.digest,
  jsonSchema: row.json_schema,
})

function isKnown(known: readonly SchemaRow[], schema: PlacedSchema, findings: Findings): boolean {
  const row = known.find((candidate) => candidate.name === schema.name && candidate.version === schema.version)
  if (row === undefined) return false
  if (row.digest !== digestOf(schema.jsonSchema)) {
    findings.add('schema-exists', {
      pointer: schema.pointer,
      detail: `schema ${schema.name} ${schema.version} exists with other content`,
    })
  }
  return true
}

async function checkOwners(tx: Transaction, context: Context, input: Parameters<typeof registerSchemas>[2]) {
  if (input.schemas.length === 0 || holds(context.principal, 'agent:manage')) return
  const owners = await selectOwners(
    tx,
    input.schemas.map((schema) => schema.name),
  )
  for (const schema of input.schemas) {
    const owner = owners.find((row) => row.name === schema.name && row.tenant_id === context.tenantId)
    if (owner === undefined || owner.owner_id === context.principal.id) continue
    input.findings.add('name-owned', {
      pointer: schema.pointer,
      detail: `schema ${schema.name} belongs to ${owner.owner_id}`,
    })
  }
}

/** Each version against its neighbours, one writer a name at a time. Nobody knows what the documents are, so the strictest kind is taken. */
async function checkVersions(tx: Transaction, context: Context, input: Parameters<typeof registerSchemas>[2]) {
  const schemas = input.schemas
    .filter((schema) => schema.isOfEvent === undefined)
    .map((schema) => ({ ...schema, jsonSchema: input.bundles(schema.jsonSchema) }))
  const levels = new Map<string, ChangeLevel>()
  if (schemas.length === 0) return levels
  const names = schemas.map((schema) => schema.name)
  await lockNames(tx, names)
  const stored = (await selectByNames(tx, names)).filter((row) => row.tenant_id === context.tenantId)
  const compare = (before: Versioned, after: Versioned) =>
    withCounterexamples(
      compareSchemas(before.jsonSchema, after.jsonSchema),
      { before: before.jsonSchema, after: after.jsonSchema },
      input.compiler,
    )
  for (const schema of schemas) {
    const { name, version, pointer } = schema
    const level = checkVersion<Versioned>(schema, {
      what: `schema ${name}`,
      pointerOf: (place) => `${pointer}/jsonSchema${place}`,
      stored: stored.filter((row) => row.name === name).map((row) => ({ ...row, jsonSchema: fullSchema(row) })),
      coming: schemas.filter((other) => other.name === name),
      compare,
      findings: input.findings,
    })
    levels.set(`${name}@${version}`, level)
  }
  return levels
}

type Versioned = Pick<PlacedSchema, 'version' | 'jsonSchema'>

const toInsert = (bundles: Bundles) => (schema: PlacedSchema) => ({
  id: newUuid(),
  name: schema.name,
  version: schema.version,
  version_order: semverOrder(schema.version),
  json_schema: schema.jsonSchema,
  bundled: bundles(schema.jsonSchema) === schema.jsonSchema ? null : bundles(schema.jsonSchema),
  digest: digestOf(schema.jsonSchema),
  description: schema.description,
})

function emitRegistered(tx: Transaction, row: SchemaRow, level: ChangeLevel | undefined): void {
  const { name, version, digest } = row
  const fact = { schemaId: toId('sch', row.id), name, version, digest }
  tx.emit(schemaRegistered, { ...fact, ...(level === undefined ? {} : { level }) }, { partitionKey: name })
}
