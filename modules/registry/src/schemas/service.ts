import { type Context, commonProblems, decodeCursor, type JsonSchema, type ModuleDatabase, toPage } from '@soma/kernel'
import { compareSchemas, type DataKind, type SchemaReport } from '../../contract/compatibility.ts'
import type { SchemaInput, SchemaRecord } from '../../contract/schemas.ts'
import { withCounterexamples } from '../compatibility/counterexamples.ts'
import { createFindings } from '../findings.ts'
import type { RegistryPorts } from '../ports.ts'
import { bundleDocuments } from './bundles.ts'
import { checkSchema, registerSchemas } from './register-schemas.ts'
import { toSchemaRecord } from './schema-record.ts'
import { type SchemaRow, selectByName, selectLatest } from './store.ts'

export interface SchemaService {
  create(context: Context, input: SchemaInput): Promise<SchemaRecord>
  list(
    context: Context,
    query: { limit: number; cursor?: string | undefined; ownerId?: string | undefined; status?: string | undefined },
  ): Promise<{ items: SchemaRecord[]; nextCursor: string | null }>
  get(context: Context, name: string): Promise<SchemaRecord>
  versions(context: Context, name: string): Promise<{ items: SchemaRecord[] }>
  /** What a new schema changes against `old`, or against the latest version of `name`. */
  check(
    context: Context,
    input: { old?: JsonSchema | undefined; name?: string | undefined; new: JsonSchema; kind?: DataKind | undefined },
  ): Promise<SchemaReport>
  getVersion(context: Context, wanted: { name: string; version: string }): Promise<SchemaRecord>
}

export function createSchemaService(deps: { database: ModuleDatabase; ports: RegistryPorts }): SchemaService {
  const { database, ports } = deps
  const ofName = async (context: Context, name: string): Promise<SchemaRow[]> => {
    const rows = await database.transaction(context, (tx) => selectByName(tx, name))
    const first = rows[0]
    if (first === undefined) throw commonProblems.notFound.create(`no schema ${name}`)
    return rows.filter((row) => row.tenant_id === first.tenant_id)
  }
  const get: SchemaService['get'] = async (context, name) => {
    const rows = await ofName(context, name)
    const active = rows.filter((row) => row.status === 'active')
    const release = active.find((row) => !row.version.includes('-'))
    return toSchemaRecord(release ?? active[0] ?? (rows[0] as SchemaRow))
  }
  return {
    async create(context, input) {
      const findings = createFindings()
      const pointer = '/body/jsonSchema'
      const bundles = await bundleDocuments([{ ...input, pointer }], { database, context, findings })
      checkSchema(ports.schemaCompiler, input.jsonSchema, { pointer, findings, bundles })
      findings.throwIfAny()
      return database.transaction(context, async (tx) => {
        const rows = await registerSchemas(tx, context, {
          schemas: [{ ...input, pointer: '/body' }],
          findings,
          compiler: ports.schemaCompiler,
          bundles,
        })
        findings.throwIfAny()
        return toSchemaRecord(rows[0] as SchemaRow)
      })
    },
    async list(context, query) {
      const rows = await database.transaction(context, (tx) =>
        selectLatest(tx, {
          ownerId: query.ownerId,
          status: query.status,
          after: decodeCursor(query.cursor, ['text', 'text']),
          limit: query.limit + 1,
        }),
      )
      return toPage(rows, query.limit, { item: toSchemaRecord, key: (row) => [row.name, row.tenant_id] })
    },
    get,
    async check(context, { old, name, new: after, kind }) {
      const findings = createFindings()
      const documents = [
        { jsonSchema: after, pointer: '/body/new' },
        ...(old === undefined ? [] : [{ jsonSchema: old, pointer: '/body/old' }]),
      ]
      const bundles = await bundleDocuments(documents, { database, context, findings })
      for (const { jsonSchema, pointer } of documents)
        checkSchema(ports.schemaCompiler, jsonSchema, { pointer, findings, bundles })
      findings.throwIfAny()
      const known = old === undefined ? await get(context, name as string) : undefined
      const schemas = { before: known?.bundled ?? known?.jsonSchema ?? bundles(old ?? true), after: bundles(after) }
      return withCounterexamples(compareSchemas(schemas.before, schemas.after, kind), schemas, ports.schemaCompiler)
    },
    async versions(context, name) {
      return { items: (await ofName(context, name)).map(toSchemaRecord) }
    },
    async getVersion(context, wanted) {
      const row = (await ofName(context, wanted.name)).find((candidate) => candidate.version === wanted.version)
      if (row === undefined) throw commonProblems.notFound.create(`no schema ${wanted.name} ${wanted.version}`)
      return toSchemaRecord(row)
    },
  }
}
