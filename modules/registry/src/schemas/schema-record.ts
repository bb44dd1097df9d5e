import { toId } from '@soma/kernel'
import type { SchemaRecord } from '../../contract/schemas.ts'
import type { SchemaRow } from './store.ts'

export const toSchemaRecord = (row: SchemaRow): SchemaRecord => ({
  schemaId: toId('sch', row.id),
  name: row.name,
  version: row.version,
  jsonSchema: row.json_schema,
  ...(row.bundled === null ? {} : { bundled: row.bundled }),
  digest: row.digest,
  description: row.description,
  ownerId: row.owner_id,
  status: row.status,
  visibility: row.tenant_id === 'platform' ? 'platform' : 'tenant',
  createdAt: row.created_at.toISOString(),
})
