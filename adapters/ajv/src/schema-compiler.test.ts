import type { JsonSchema } from '@soma/kernel'
import { describe, expect, test } from 'vitest'
import { createSchemaCompiler } from './schema-compiler.ts'

const compiler = createSchemaCompiler()
const issuesOf = (schema: unknown) => compiler.compile(schema as JsonSchema).issues ?? []
const nested = (levels: number): JsonSchema =>
  levels === 1 ? { type: 'string' } : { type: 'array', items: nested(levels - 1) }

describe('a schema is refused', () => {
  test('with an unknown type, keyword or format', () => {
    expect(issuesOf({ type: 'objct' })[0]).toMatchObject({ pointer: '/type', code: 'schema' })
    expect(issuesOf({ items: { propertees: {} } })).toMatchObject([{ pointer: '/items/propertees', code: 'keyword' }])
    expect(issuesOf({ items: { format: 'telepathy' } })).toMatchObject([{ pointer: '/items/format', code: 'format' }])
  })
  test.each(['$async', 'nullable', 'dependencies', 'formatMinimum', 'constructor'])(
    'with %s, which is no keyword of 2020-12',
    (keyword) => {
      expect(issuesOf({ [keyword]: true })).toMatchObject([{ pointer: `/${keyword}`, code: 'keyword' }])
    },
  )
  test('not with any keyword of 2020-12', () => {
    const all = {
      ...{ $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'https://example.org/a', $anchor: 'a' },
      ...{ $comment: '', $defs: { b: true }, $dynamicAnchor: 'c', $dynamicRef: '#c', title: '', deprecated: true },
      ...(JSON.parse('{"if": true, "then": true, "else": true}') as object),
      ...{ dependentSchemas: { a: true }, dependentRequired: { a: ['b'] } },
      ...{ prefixItems: [true], items: true, contains: true, minContains: 1, maxContains: 2, unevaluatedItems: true },
      ...{ propertyNames: true, unevaluatedProperties: true, readOnly: true, writeOnly: true, default: 1 },
      ...{ contentEncoding: 'base64', contentMediaType: 'text/plain', contentSchema: true },
    }
    expect(issuesOf(all)).toEqual([])
  })

  test('when a reference leaves the document or leads nowhere', () => {
    expect(issuesOf({ properties: { a: { $ref: 'https://elsewhere.test/schema' } } })).toMatchObject([
      { pointer: '/properties/a/$ref', code: 'ref' },
    ])
    expect(issuesOf({ items: { $ref: '#/$defs/absent' } })).toMatchObject([{ pointer: '/items/$ref', code: 'ref' }])
    expect(issuesOf({ anyOf: [{ $ref: '#absent' }] })).toMatchObject([{ pointer: '/anyOf/0/$ref', code: 'ref' }])
    const resource = { $id: 'https://example.org/inner', $ref: '#/$defs/a', $defs: { a: true } }
    expect(issuesOf({ $ref: '#here', $defs: { resource, b: { $anchor: 'here' } } })).toEqual([])
    expect(compiler.compile({ $ref: '#/$defs/a', $defs: { a: { type: 'string' } } }).validate?.('x')).toEqual([])
  })

  test('when it nests deeper than 32', () => {
    expect(issuesOf(nested(32))).toEqual([])
    expect(issuesOf(nested(33))).toMatchObject([{ code: 'depth' }])
  })

  test.each([
    '(a+)+$',
    '([a-z]+)*',
    '(a*)*b',
    '(?:\\d+)+',
    '(a|a)*$',
    '(a|ab)*c',
    '(?=x)y',
    '(?<!x)y',
    '(a)\\1',
    '(',
    'a{1001}',
    '((?:a{10}b){11}){10}',
    'a{2,1001}',
  ])('for the pattern %s', (pattern) => {
    expect(issuesOf({ type: 'string', pattern })).toMatchObject([{ pointer: '/pattern', code: 'pattern' }])
    expect(issuesOf({ type: 'object', patternProperties: { [pattern]: true } })).toMatchObject([{ code: 'pattern' }])
  })

  test.each([
    '^[a-z0-9]+(?:-[a-z0-9]+)*$',
    '^sha256:[0-9a-f]{64}$',
    '^\\d{4}-\\d{2}$',
    '^(?:a|b)+$',
    '[\\]()]+',
    '(?:a{10}b{1,20}){50}c{1000}',
    '^plan_[0-7][0-9a-hjkmnp-tv-z]{25}$',
    '^\\p{L}+$',
  ])('not for the pattern %s', (pattern) => {
    expect(issuesOf({ type: 'string', pattern })).toEqual([])
  })

  test('not for notes that begin with x-', () => {
    expect(issuesOf({ enum: ['a'], 'x-open-enum': true, items: { 'x-owner': { $ref: 'me' } } })).toEqual([])
  })

  test('not for words that stand in its data', () => {
    expect(
      issuesOf({
        type: 'object',
        default: { pattern: '(', $ref: 'x' },
        properties: { pattern: { type: 'string' }, $ref: { enum: ['a'] } },
      }),
    ).toEqual([])
  })
})

describe('a value', () => {
  const validate = compiler.compile({
    type: 'object',
    required: ['amount'],
    additionalProperties: false,
    properties: { amount: { type: 'integer' }, 'a/b': { type: 'string', format: 'date-time' } },
  }).validate

  test('gets one issue a field, with a pointer and the keyword', () => {
    expect(validate?.({ amount: 1, 'a/b': '2026-01-01T00:00:00Z' })).toEqual([])
    expect(validate?.({ 'a/b': 'soon', more: 1 })).toEqual([
      { pointer: '/amount', code: 'required', detail: "must have required property 'amount'" },
      { pointer: '/more', code: 'additionalProperties', detail: 'must NOT have additional properties' },
      { pointer: '/a~1b', code: 'format', detail: 'must match format "date-time"' },
    ])
  })

  test('does not satisfy a requirement by what it inherits', () => {
    const inherits = compiler.compile({ type: 'object', required: ['toString'] }).validate
    expect(inherits?.({})).toHaveLength(1)
  })
})

describe('a schema that leads back to itself', () => {
  test.each([
    { $ref: '#' },
    { allOf: [{ type: 'object' }, { $ref: '#' }] },
    { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { anyOf: [{ $ref: '#/$defs/a' }] } } },
  ])('before it looks at a member takes no value: %j', (schema) => {
    const { validate } = compiler.compile(schema as JsonSchema)
    expect(validate?.({})).toMatchObject([{ pointer: '', code: '$ref' }])
  })

  test('for some values alone refuses these', () => {
    const schema = { dependentSchemas: { again: { $ref: '#' } } }
    const { validate } = compiler.compile(schema as JsonSchema)
    expect(validate?.({})).toEqual([])
    expect(validate?.({ again: 1 })).toMatchObject([{ code: '$ref' }])
  })

  test('member by member is a tree', () => {
    const tree = { type: 'object', properties: { left: { $ref: '#' }, right: { $ref: '#' } } }
    const { validate } = compiler.compile(tree)
    expect(validate?.({ left: { right: {} } })).toEqual([])
    expect(validate?.({ left: { right: 1 } })).toMatchObject([{ pointer: '/left/right', code: 'type' }])
  })
})
