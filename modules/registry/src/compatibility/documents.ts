import type { JsonSchema } from '@soma/kernel'
import { expand, isFalse, isObject, type SchemaObject } from '../../contract/compatibility/schema-node.ts'

/** Enough for each property of a schema at the size limit to be left out and varied a little; validating them takes some milliseconds. */
const MAXIMUM_DOCUMENTS = 1000
const MAXIMUM_DEPTH = 8
const MAXIMUM_TEXT = 1000

/** Documents that a schema probably accepts, each different in one place: full and minimal ones, and the edges of every bound. */
export function* documentsOf(schema: JsonSchema): Generator<unknown, void> {
  let count = 0
  for (const document of lazyVariants(schema, { root: schema, depth: 0 })) {
    yield document
    if (++count === MAXIMUM_DOCUMENTS) return
  }
}

interface Place {
  readonly root: JsonSchema
  readonly depth: number
}

const variantsOf = (node: unknown, place: Place): unknown[] => [...lazyVariants(node, place)]

function* lazyVariants(node: unknown, place: Place): Generator<unknown, void> {
  const schema = expand(node, place.root)
  if (schema === undefined || isFalse(schema) || place.depth > MAXIMUM_DEPTH) return
  const branches = [schema.anyOf, schema.oneOf].find(Array.isArray) as unknown[] | undefined
  const inside = { ...place, depth: place.depth + 1 }
  if ('const' in schema) yield schema.const
  else if (Array.isArray(schema.enum)) yield* schema.enum
  else if (branches !== undefined)
    for (const branch of branches) yield* lazyVariants(merge([schema, branch], place), inside)
  else if (Array.isArray(schema.allOf)) yield* lazyVariants(merge([schema, ...schema.allOf], place), inside)
  else for (const type of typesOf(schema)) yield* MAKERS[String(type)]?.(schema, inside) ?? []
}

/** Schemas that all must hold, as one; good enough for documents that are validated afterwards. */
function merge(parts: readonly unknown[], { root }: Place): SchemaObject {
  const merged = parts
    .map((part) => expand(part, root) ?? {})
    .reduce((left, right) => ({
      ...left,
      ...right,
      properties: { ...members(left.properties), ...members(right.properties) },
      required: [...names(left.required), ...names(right.required)],
    }))
  const { anyOf: _any, oneOf: _one, allOf: _all, ...rest } = merged
  return rest
}

const members = (value: unknown): SchemaObject => (isObject(value) ? value : {})
const names = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

function typesOf(schema: SchemaObject): unknown[] {
  if (schema.type !== undefined) return [schema.type].flat()
  if (Object.keys(members(schema.properties)).length > 0) return ['object']
  if (schema.items !== undefined) return ['array']
  if (schema.maxLength !== undefined || schema.pattern !== undefined) return ['string']
  return ['string', 'integer', 'null']
}

type Maker = (schema: SchemaObject, place: Place) => Iterable<unknown>

const MAKERS: Readonly<Record<string, Maker>> = {
  null: () => [null],
  boolean: () => [true, false],
  string: textsOf,
  integer: (schema) => numbersOf(schema).filter(Number.isInteger),
  number: numbersOf,
  array: arraysOf,
  object: objectsOf,
}

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
  email: 'a@example.org',
  uri: 'https://example.org/a',
  'uri-reference': '/a',
  ipv4: '192.0.2.1',
}

function textsOf(schema: SchemaObject): string[] {
  const format = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined
  if (format !== undefined) return [format]
  const lengths = [Number(schema.minLength ?? 0), 1, Number(schema.maxLength ?? 12)]
  return [...names(schema.examples), 'text', ...lengths.map((length) => 'a'.repeat(Math.min(length, MAXIMUM_TEXT)))]
}

function numbersOf(schema: SchemaObject): number[] {
  const edges = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']
    .map((keyword) => schema[keyword])
    .filter((edge) => typeof edge === 'number')
  return [1, 0, -1, 0.5, ...edges.flatMap((edge) => [edge, edge - 1, edge + 1])]
}

function arraysOf(schema: SchemaObject, place: Place): unknown[] {
  const first = Array.isArray(schema.prefixItems)
    ? schema.prefixItems.map((item: unknown) => variantsOf(item, place)[0])
    : []
  const items = variantsOf(schema.items ?? true, place)
  const filled = (count: number) => Array.from({ length: Math.min(count, 20) }, (_, at) => items[at % items.length])
  return [
    ...items.map((item) => [...first, item]),
    ...[schema.minItems, schema.maxItems].filter((count) => typeof count === 'number').map(filled),
    first,
  ]
}

function* objectsOf(schema: SchemaObject, place: Place): Generator<unknown, void> {
  const variants = new Map<string, readonly unknown[]>()
  for (const [name, property] of Object.entries(members(schema.properties))) {
    const values = variantsOf(property, place)
    if (values.length > 0) variants.set(name, values)
  }
  const full = Object.fromEntries([...variants].map(([name, values]) => [name, values[0]]))
  const required = names(schema.required)
  const minimal = Object.fromEntries(Object.entries(full).filter(([name]) => required.includes(name)))
  const optional = Object.keys(full).filter((name) => !required.includes(name))
  yield full
  yield minimal
  if (schema.additionalProperties !== false)
    yield { ...full, further: variantsOf(schema.additionalProperties, place)[0] }
  for (const name of optional) yield Object.fromEntries(Object.entries(full).filter(([other]) => other !== name))
  for (const [name, values] of variants) for (const value of values.slice(1)) yield { ...full, [name]: value }
}
