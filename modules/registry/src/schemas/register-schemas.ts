import { type Context, holds, newUuid, type SchemaCompiler, type Transaction, toId } from '@soma/kernel'
import { type ChangeLevel, compareSchemas } from '../../contract/compatibility.ts'
import { schemaRegistered } from '../../contract/facts.ts'
import type { SchemaInput } from '../../contract/schemas.ts'
import { checkVersion } from '../compatibility/check-version.ts'
import { withCounterexamples } from '../compatibility/counterexamples.ts'
import { digestOf } from '../digest.ts'
import type { Findings } from '../findings.ts'
import { semverOrder } from '../semver-order.ts'
import { insertSchemas, lockNames, type SchemaRow, selectByNames, selectOwners, selectVersions } from './store.ts'

const MAX_SCHEMA_BYTES = 131_072

/** A schema on its way in, with the place in the request where it stands. */
export interface PlacedSchema extends SchemaInput {
  readonly pointer: string
  /** It is the data of an event definition, which is compared as a whole. */
  readonly isOfEvent?: true
}

/** Compiles each schema strictly; what does not hold becomes a finding. */
export function checkSchema(
  compiler: SchemaCompiler,
  jsonSchema: unknown,
  at: { pointer: string; findings: Findings },
) {
  const bytes = Buffer.byteLength(JSON.stringify(jsonSchema))
  if (bytes > MAX_SCHEMA_BYTES) {
    at.findings.add('schema-invalid', {
      pointer: at.pointer,
      code: 'too-large',
      detail: `the schema has ${bytes} bytes, at most ${MAX_SCHEMA_BYTES} are allowed`,
    })
    return undefined
  }
  const compiled = compiler.compile(jsonSchema as boolean | Record<string, unknown>)
  for (const issue of compiled.issues ?? []) {
    at.findings.add('schema-invalid', { ...issue, pointer: `${at.pointer}${issue.pointer}` })
  }
  return compiled.validate
}

/** Writes what is new, in the caller's transaction. Another digest of a known version, or a name of another principal, becomes a finding. */
export async function registerSchemas(
  tx: Transaction,
  context: Context,
  input: { schemas: readonly PlacedSchema[]; findings: Findings; compiler: SchemaCompiler },
): Promise<SchemaRow[]> {
  if (input.schemas.length === 0) return []
  const known = (await selectVersions(tx, input.schemas)).filter((row) => row.tenant_id === context.tenantId)
  const missing = input.schemas.filter((schema) => !isKnown(known, schema, input.findings))
  await checkOwners(tx, context, { ...input, schemas: missing })
  if (missing.length === 0) return known
  const levels = await checkVersions(tx, context, { ...input, schemas: missing })
  const inserted = await insertSchemas(tx, missing.map(toInsert), context.principal.id)
  for (const row of inserted) emitRegistered(tx, row, levels.get(`${row.name}@${row.version}`))
  const raced = missing.length - inserted.length
  if (raced === 0) return [...known, ...inserted]
  const now = (await selectVersions(tx, input.schemas)).filter((row) => row.tenant_id === context.tenantId)
  for (const schema of missing) isKnown(now, schema, input.findings)
  return now
}

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
  const schemas = input.schemas.filter((schema) => schema.isOfEvent === undefined)
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
      stored: stored.filter((row) => row.name === name).map((row) => ({ ...row, jsonSchema: row.json_schema })),
      coming: schemas.filter((other) => other.name === name),
      compare,
      findings: input.findings,
    })
    levels.set(`${name}@${version}`, level)
  }
  return levels
}

type Versioned = Pick<PlacedSchema, 'version' | 'jsonSchema'>

const toInsert = (schema: PlacedSchema) => ({
  id: newUuid(),
  name: schema.name,
  version: schema.version,
  version_order: semverOrder(schema.version),
  json_schema: schema.jsonSchema,
  digest: digestOf(schema.jsonSchema),
  description: schema.description,
})

function emitRegistered(tx: Transaction, row: SchemaRow, level: ChangeLevel | undefined): void {
  const { name, version, digest } = row
  const fact = { schemaId: toId('sch', row.id), name, version, digest }
  tx.emit(schemaRegistered, { ...fact, ...(level === undefined ? {} : { level }) }, { partitionKey: name })
}
