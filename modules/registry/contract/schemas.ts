import { idSchema, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { registryProblems } from './problems.ts'
import { dataKind, jsonSchemaDocument, schemaReport, semver, time } from './words.ts'

export const schemaName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, dot, underscore or hyphen')

export const schemaInput = z.strictObject({
  name: schemaName,
  version: semver,
  jsonSchema: jsonSchemaDocument,
  description: z.string().max(2000).default(''),
})
export type SchemaInput = z.output<typeof schemaInput>

export const schemaRecord = z.strictObject({
  schemaId: idSchema('sch'),
  name: schemaName,
  version: semver,
  /** As it was registered. */
  jsonSchema: jsonSchemaDocument,
  /** The same with every registered schema that it refers to inside; absent where it refers to none. */
  bundled: jsonSchemaDocument.optional(),
  /** SHA-256 of the canonical JSON of `jsonSchema`. */
  digest: z.string(),
  description: z.string(),
  ownerId: z.string(),
  status: z.enum(['active', 'deprecated', 'retired']),
  visibility: z.enum(['tenant', 'platform']),
  createdAt: time,
})
export type SchemaRecord = z.infer<typeof schemaRecord>

export const schemaOperations = {
  create: operation({
    method: 'POST',
    path: '/v1/registry/schemas',
    summary: 'Registers one immutable version of a schema; the same content again changes nothing.',
    capability: 'schema:write',
    action: 'schema.create',
    body: schemaInput,
    output: schemaRecord,
    status: 201,
    problems: [
      registryProblems.nameOwned,
      registryProblems.schemaExists,
      registryProblems.schemaInvalid,
      registryProblems.schemaIncompatible,
    ],
  }),
  list: operation({
    method: 'GET',
    path: '/v1/registry/schemas',
    summary: 'Lists the latest version of each schema.',
    capability: 'schema:read',
    query: z.strictObject({
      ...pageQuery,
      ownerId: z.string().max(128).optional(),
      status: schemaRecord.shape.status.optional(),
    }),
    output: pageOf(schemaRecord),
  }),
  get: operation({
    method: 'GET',
    path: '/v1/registry/schemas/{name}',
    summary: 'The highest active version of a schema; pre-releases only when nothing else is there.',
    capability: 'schema:read',
    params: z.strictObject({ name: schemaName }),
    output: schemaRecord,
  }),
  versions: operation({
    method: 'GET',
    path: '/v1/registry/schemas/{name}/versions',
    summary: 'All versions of a schema, highest first.',
    capability: 'schema:read',
    params: z.strictObject({ name: schemaName }),
    output: z.strictObject({ items: z.array(schemaRecord) }),
  }),
  getVersion: operation({
    method: 'GET',
    path: '/v1/registry/schemas/{name}/versions/{version}',
    summary: 'One version of a schema.',
    capability: 'schema:read',
    params: z.strictObject({ name: schemaName, version: semver }),
    output: schemaRecord,
  }),
  check: operation({
    method: 'POST',
    path: '/v1/registry/schemas/check',
    summary: 'Says what a new schema changes for those who read and write its documents; stores nothing.',
    capability: 'schema:read',
    body: z
      .strictObject({
        old: jsonSchemaDocument.optional(),
        /** Instead of `old`: the latest version of this registered schema. */
        name: schemaName.optional(),
        new: jsonSchemaDocument,
        /** What the documents are; default: the strictest of all. */
        kind: dataKind.optional(),
      })
      .refine(({ old, name }) => (old === undefined) !== (name === undefined), 'give one of old and name'),
    output: schemaReport,
    status: 200,
    problems: [registryProblems.schemaInvalid],
  }),
} as const
