import type { Topic } from '@soma/kernel'
import type { EventDefinitionRecord } from '../../contract/event-definitions.ts'
import type { SchemaSource } from '../../contract/words.ts'
import type { DefinitionView } from './store.ts'

export const toDefinitionRecord = (row: DefinitionView): EventDefinitionRecord => ({
  topic: row.topic as Topic,
  type: row.type,
  version: row.version,
  kind: row.kind,
  description: row.description,
  ...(row.purpose === null ? {} : { purpose: row.purpose }),
  schema: { name: row.schema_name, version: row.schema_version },
  jsonSchema: row.json_schema,
  ...(row.bundled === null ? {} : { bundled: row.bundled }),
  ...(row.response_type === null ? {} : { responseType: row.response_type }),
  ...(row.response_topic === null ? {} : { responseTopic: row.response_topic as Topic }),
  ...(row.response_schema === null ? {} : { responseSchema: row.response_schema as SchemaSource }),
  sideEffects: row.side_effects,
  examples: row.examples,
  tags: row.tags,
  visibility: row.tenant_id === 'platform' ? 'platform' : 'tenant',
  status: row.status,
  ownerId: row.owner_id,
  ...(row.owner_agent === null ? {} : { ownerAgent: row.owner_agent }),
  ...(row.replaced_by === null ? {} : { replacedBy: row.replaced_by }),
  ...(row.sunset_at === null ? {} : { sunsetAt: row.sunset_at.toISOString() }),
  digest: row.digest,
  createdAt: row.created_at.toISOString(),
  consumers: row.consumers,
  producers: row.producers,
})
