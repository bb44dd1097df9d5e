import { type Context, commonProblems, decodeCursor, type ModuleDatabase, toPage } from '@soma/kernel'
import type { SchemaInput, SchemaRecord } from '../../contract/schemas.ts'
import { createFindings } from '../findings.ts'
import type { RegistryPorts } from '../ports.ts'
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
  return {
    async create(context, input) {
      const findings = createFindings()
      checkSchema(ports.schemaCompiler, input.jsonSchema, { pointer: '/body/jsonSchema', findings })
      findings.throwIfAny()
      return database.transaction(context, async (tx) => {
        const rows = await registerSchemas(tx, context, { schemas: [{ ...input, pointer: '/body' }], findings })
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
    async get(context, name) {
      const rows = await ofName(context, name)
      const active = rows.filter((row) => row.status === 'active')
      const release = active.find((row) => !row.version.includes('-'))
      return toSchemaRecord(release ?? active[0] ?? (rows[0] as SchemaRow))
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
