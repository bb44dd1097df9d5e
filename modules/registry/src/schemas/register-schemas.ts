import { type Context, holds, newUuid, type SchemaCompiler, type Transaction, toId } from '@soma/kernel'
import { schemaRegistered } from '../../contract/facts.ts'
import type { SchemaInput } from '../../contract/schemas.ts'
import { digestOf } from '../digest.ts'
import type { Findings } from '../findings.ts'
import { semverOrder } from '../semver-order.ts'
import { insertSchemas, type SchemaRow, selectOwners, selectVersions } from './store.ts'

const MAX_SCHEMA_BYTES = 131_072

/** A schema on its way in, with the place in the request where it stands. */
export interface PlacedSchema extends SchemaInput {
  readonly pointer: string
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
  input: { schemas: readonly PlacedSchema[]; findings: Findings },
): Promise<SchemaRow[]> {
  if (input.schemas.length === 0) return []
  const known = (await selectVersions(tx, input.schemas)).filter((row) => row.tenant_id === context.tenantId)
  const missing = input.schemas.filter((schema) => !isKnown(known, schema, input.findings))
  await checkOwners(tx, context, { ...input, schemas: missing })
  if (missing.length === 0) return known
  const inserted = await insertSchemas(tx, missing.map(toInsert), context.principal.id)
  for (const row of inserted) emitRegistered(tx, row)
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

const toInsert = (schema: PlacedSchema) => ({
  id: newUuid(),
  name: schema.name,
  version: schema.version,
  version_order: semverOrder(schema.version),
  json_schema: schema.jsonSchema,
  digest: digestOf(schema.jsonSchema),
  description: schema.description,
})

const emitRegistered = (tx: Transaction, row: SchemaRow) =>
  tx.emit(
    schemaRegistered,
    { schemaId: toId('sch', row.id), name: row.name, version: row.version, digest: row.digest },
    { partitionKey: row.name },
  )
