import { expect, it } from 'vitest'
import { readSchemaUri, schemaUri, UNKNOWN_SCHEMA_URI } from './schema-uri.ts'

it('names a schema by an absolute URI and reads it back, also as the bare path of events that were stored before', () => {
  const uri = schemaUri('order.placed', '1.2.0-beta.1')
  expect(new URL(uri).protocol).toBe('soma:')
  const named = { name: 'order.placed', version: '1.2.0-beta.1' }
  expect([readSchemaUri(uri), readSchemaUri(uri.slice('soma:'.length))]).toEqual([named, named])
  for (const other of [UNKNOWN_SCHEMA_URI, 'https://example.org/schema', `x${uri}`, `${uri}/`, undefined])
    expect(readSchemaUri(other)).toBeUndefined()
})
