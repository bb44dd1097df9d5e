import fc from 'fast-check'
import type { Operation, Schema } from '@soma/kernel'
import * as z from 'zod'

/** A JSON Schema as `z.toJSONSchema` writes it. */
// oxlint-disable-next-line typescript/no-explicit-any -- a document of any shape, read member by member
export type JsonSchema = Readonly<Record<string, any>>

export const PARTS = ['params', 'query', 'body'] as const
export type Part = (typeof PARTS)[number]
export type Input = { [Name in Part]?: Record<string, unknown> }

export const schemaOf = (schema: Schema): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline', cycles: 'ref' }) as JsonSchema

/** Values that only the module's words allow: no schema says them. */
const BY_NAME: Readonly<Record<string, unknown>> = {
  capability: 'plan:read',
  scopes: ['plan:read'],
  requires: [],
  topic: 'business-facts',
  topics: ['business-facts'],
  responseTopic: 'action-results',
  jsonSchema: { type: 'object' },
  filter: { code: 'internal' },
  events: [{ type: 'thing.happened', topic: 'business-facts', data: {} }],
}

/** The least input that a schema accepts: required fields alone, each as small as allowed. */
export function sampleOf(schema: JsonSchema, root: JsonSchema = schema): unknown {
  if (schema.$ref !== undefined) return sampleOf(resolve(schema.$ref, root), root)
  if ('const' in schema) return schema.const
  if ('default' in schema) return schema.default
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.examples?.length > 0) return schema.examples[0]
  if (schema.allOf !== undefined)
    return sampleOf({ ...schema, ...Object.assign({}, ...schema.allOf), allOf: undefined }, root)
  const choice = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined
  if (choice !== undefined) return sampleOf(choice[0] as JsonSchema, root)
  switch (schema.type) {
    case 'string':
      return text(schema)
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 0, 0)
    case 'boolean':
      return false
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}, root))
    case 'object':
      return object(schema, root)
    default:
      return {}
  }
}

function object(schema: JsonSchema, root: JsonSchema): Record<string, unknown> {
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>
  const required = (schema.required ?? []) as string[]
  const optional = Object.keys(properties).filter((name) => !required.includes(name))
  const wanted = [...required, ...optional.slice(0, Math.max((schema.minProperties ?? 0) - required.length, 0))]
  return Object.fromEntries(
    wanted.map((name) => [name, name in BY_NAME ? BY_NAME[name] : sampleOf(properties[name] ?? {}, root)]),
  )
}

const BY_FORMAT: Readonly<Record<string, string>> = {
  uuid: '018f2b6e-6f2b-7cc3-a7d5-2f1e8a4b9c01',
  'date-time': '2026-01-02T03:04:05.000Z',
  email: 'ann@example.test',
  uri: 'https://example.test/',
}

const BY_PATTERN = new Map<string, string>()

/** A text that a pattern allows; always the same one, since making one is slow. */
function matching(pattern: string): string {
  const known = BY_PATTERN.get(pattern)
  if (known !== undefined) return known
  const [made] = fc.sample(fc.stringMatching(new RegExp(pattern)), { numRuns: 1, seed: 1 }) as [string]
  BY_PATTERN.set(pattern, made)
  return made
}

function text(schema: JsonSchema): string {
  const known = BY_FORMAT[schema.format as string]
  if (known !== undefined) return known
  if (schema.pattern !== undefined) return matching(schema.pattern).slice(0, schema.maxLength)
  return 'x'.repeat(Math.max(schema.minLength ?? 1, 1))
}

export const resolve = (reference: string, root: JsonSchema): JsonSchema =>
  reference === '#'
    ? root
    : reference
        .slice(2)
        .split('/')
        .reduce<JsonSchema>((place, step) => place[step], root)

/** The least input of an operation, all parts. Ids in it name nothing. */
export function inputOf(operation: Operation): Input {
  const input: Input = {}
  for (const part of PARTS) {
    const schema = operation[part]
    if (schema !== undefined) input[part] = sampleOf(schemaOf(schema)) as Record<string, unknown>
  }
  return input
}
