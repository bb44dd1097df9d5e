import { type Context, commonProblems, type JsonSchema, type ModuleDatabase } from '@soma/kernel'
import { addressOf, type SchemaReference } from '../../contract/schema-reference.ts'
import type { Findings } from '../findings.ts'
import { bundleSchema, referencesOf } from './bundle-schema.ts'
import { type SchemaRow, selectVersions } from './store.ts'

/** Read for one request; each has 128 KiB at most. */
const MAXIMUM_REFERENCES = 500

/** A JSON Schema of a request. With name and version others of the same request may refer to it. */
export interface PlacedDocument {
  readonly pointer: string
  readonly jsonSchema: JsonSchema
  readonly name?: string
  readonly version?: string
}

/** What a document of the request is with everything that it refers to inside; itself where it refers to nothing. */
export type Bundles = (document: JsonSchema) => JsonSchema

/**
 * Resolves the references of a request's schemas to registered ones: own versions, then those that come in the same request, then those of the platform. Versions never change
 * and never go, so they are read ahead of the transaction that writes. What leads nowhere becomes a finding.
 */
export async function bundleDocuments(
  documents: readonly PlacedDocument[],
  { database, context, findings }: { database: ModuleDatabase; context: Context; findings: Findings },
): Promise<Bundles> {
  const wanted = documents.flatMap(({ jsonSchema }) => referencesOf(jsonSchema))
  if (wanted.length === 0) return (document) => document
  const stored = await readReferenced(wanted, { database, context })
  const find = (reference: SchemaReference): JsonSchema | undefined => {
    const rows = stored.filter((row) => addressOf(row) === addressOf(reference))
    const coming = documents.find((one) => one.name === reference.name && one.version === reference.version)
    const own = rows.find((row) => row.tenant_id === context.tenantId)
    return own?.json_schema ?? coming?.jsonSchema ?? rows[0]?.json_schema
  }
  const bundles = new Map(
    documents.map(({ jsonSchema, pointer, name, version }) => {
      const self = name === undefined || version === undefined ? undefined : addressOf({ name, version })
      const { schema, issues } = bundleSchema(jsonSchema, find, self)
      for (const issue of issues) findings.add('schema-invalid', { ...issue, pointer: `${pointer}${issue.pointer}` })
      return [jsonSchema, schema]
    }),
  )
  return (document) => bundles.get(document) ?? document
}

/** The wanted schemas that are registered, and those that they refer to. */
async function readReferenced(
  wanted: readonly SchemaReference[],
  { database, context }: { database: ModuleDatabase; context: Context },
): Promise<SchemaRow[]> {
  return database.transaction(context, async (tx) => {
    const rows: SchemaRow[] = []
    const asked = new Set<string>()
    for (let next = [...wanted]; next.length > 0; ) {
      for (const reference of next) asked.add(addressOf(reference))
      if (asked.size > MAXIMUM_REFERENCES)
        throw commonProblems.payloadTooLarge.create(
          `the schemas of the request refer to more than ${MAXIMUM_REFERENCES} others`,
        )
      const found = await selectVersions(tx, next)
      rows.push(...found)
      next = found.flatMap((row) => referencesOf(row.json_schema)).filter((one) => !asked.has(addressOf(one)))
    }
    return rows
  })
}
