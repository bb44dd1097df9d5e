import { createSchemaCompiler } from '@soma/adapter-ajv'
import type { JsonSchema } from '@soma/kernel'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareCatalogues, compareSchemas, meetsDemand, neighboursOf, versionDemand } from '../compatibility.ts'

const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const text = { type: 'string' }
const whole = { type: 'integer' }
const cat = object({ kind: { const: 'cat' }, name: text }, { required: ['kind'] })
const dog = object({ kind: { const: 'dog' }, age: whole }, { required: ['kind'] })
const tree = (leaf: object) => ({
  $ref: '#/$defs/node',
  $defs: { node: object({ leaf, children: { type: 'array', items: { $ref: '#/$defs/node' } } }) },
})

type Row = readonly [
  what: string,
  before: JsonSchema,
  after: JsonSchema,
  request: string,
  fact: string,
  pointer: string,
]

/** The table of docs/spec/registry.md, then what it means where schemas nest, refer and branch. */
const ROWS: readonly Row[] = [
  ['an optional property added', object({}), object({ a: text }), 'minor', 'minor', '/properties/a'],
  ['a property removed', object({ a: text }), object({}), 'major', 'major', '/properties/a'],
  ['a property renamed', object({ a: text }), object({ b: text }), 'major', 'major', '/properties/a'],
  ['a property retyped', object({ a: whole }), object({ a: text }), 'major', 'major', '/properties/a/type'],
  ['a bound relaxed', { maxLength: 3 }, { maxLength: 4 }, 'minor', 'major', '/maxLength'],
  ['a bound tightened', { maxLength: 4 }, { maxLength: 3 }, 'major', 'major', '/maxLength'],
  ['a lower bound added', whole, { ...whole, minimum: 1 }, 'major', 'major', '/minimum'],
  ['a lower bound lifted', { ...whole, exclusiveMinimum: 1 }, whole, 'minor', 'major', '/exclusiveMinimum'],
  ['a pattern changed', { pattern: '^a' }, { pattern: '^b' }, 'major', 'major', '/pattern'],
  ['a pattern lifted', { pattern: '^a' }, {}, 'minor', 'major', '/pattern'],
  ['a factor of multipleOf', { multipleOf: 6 }, { multipleOf: 3 }, 'minor', 'major', '/multipleOf'],
  ['another multipleOf', { multipleOf: 6 }, { multipleOf: 4 }, 'major', 'major', '/multipleOf'],
  ['unique items asked for', { type: 'array' }, { type: 'array', uniqueItems: true }, 'major', 'major', '/uniqueItems'],
  ['a type widened', text, { type: ['string', 'null'] }, 'minor', 'major', '/type'],
  ['integers widened to numbers', whole, { type: 'number' }, 'minor', 'major', '/type'],
  ['numbers narrowed to integers', { type: 'number' }, whole, 'major', 'major', '/type'],
  ['an enum value added', { enum: ['a'] }, { enum: ['a', 'b'] }, 'minor', 'major', '/enum'],
  ['an enum value removed', { enum: ['a', 'b'] }, { enum: ['a'] }, 'major', 'major', '/enum'],
  ['a constant that became an enum', { const: 'a' }, { enum: ['a', 'b'] }, 'minor', 'major', '/enum'],
  [
    'a value added to an open enum',
    { enum: ['a'], 'x-open-enum': true },
    { enum: ['a', 'b'], 'x-open-enum': true },
    'minor',
    'minor',
    '/enum',
  ],
  ['an open enum closed', { enum: ['a'], 'x-open-enum': true }, { enum: ['a'] }, 'major', 'major', '/x-open-enum'],
  ['a property required', object({ a: text }), object({ a: text }, { required: ['a'] }), 'major', 'major', '/required'],
  ['a required property added', object({}), object({ a: text }, { required: ['a'] }), 'major', 'major', '/required'],
  [
    'a property no longer required',
    object({ a: text }, { required: ['a'] }),
    object({ a: text }),
    'minor',
    'major',
    '/required',
  ],
  [
    'a closed object opened',
    { additionalProperties: false },
    { additionalProperties: true },
    'minor',
    'minor',
    '/additionalProperties',
  ],
  ['an open object closed', {}, { additionalProperties: false }, 'major', 'major', '/additionalProperties'],
  ['a description changed', { description: 'a' }, { description: 'b' }, 'patch', 'patch', '/description'],
  ['a note changed', {}, { 'x-owner': 'me' }, 'patch', 'patch', '/x-owner'],
  ['a default changed', { default: 1 }, { default: 2 }, 'major', 'major', '/default'],
  ['a format added', text, { ...text, format: 'email' }, 'major', 'major', '/format'],
  ['a format lifted', { ...text, format: 'email' }, text, 'minor', 'major', '/format'],
  ['a change of `not`', { not: text }, { not: whole }, 'major', 'major', '/not'],
  ['a text inside `not`', { not: text }, { not: { ...text, title: 'a' } }, 'patch', 'patch', '/not/title'],
  ['a change of `if`', { if: text, else: whole }, { if: whole, else: whole }, 'major', 'major', '/if'],
  ['a reference that leads nowhere', { $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }, 'major', 'major', '/$ref'],
  ['a property inside what two references share', tree(whole), tree(text), 'major', 'major', '/properties/leaf/type'],
  [
    'an anchor that moved with its schema',
    { $ref: '#a', $defs: { one: { $anchor: 'a', ...text } } },
    { $ref: '#a', $defs: { two: { $anchor: 'a', ...text, maxLength: 1 } } },
    'major',
    'major',
    '/maxLength',
  ],
  [
    'a rule beside a reference',
    { $ref: '#/$defs/a', $defs: { a: { ...text, maxLength: 5 } } },
    { $ref: '#/$defs/a', minLength: 2, $defs: { a: { ...text, maxLength: 5 } } },
    'major',
    'major',
    '/minLength',
  ],
  [
    'an item deep inside',
    object({ a: { type: 'array', items: object({ b: { enum: [1, 2] } }) } }),
    object({ a: { type: 'array', items: object({ b: { enum: [1] } }) } }),
    'major',
    'major',
    '/properties/a/items/properties/b/enum',
  ],
  [
    'values of a record narrowed',
    { additionalProperties: {} },
    { additionalProperties: text },
    'major',
    'major',
    '/additionalProperties/type',
  ],
  [
    'a property that says more than the record did',
    { type: 'object', additionalProperties: whole },
    { type: 'object', properties: { a: text }, additionalProperties: whole },
    'major',
    'major',
    '/properties/a/type',
  ],
  ['what may be null', text, { anyOf: [text, { type: 'null' }] }, 'minor', 'major', '/anyOf/1'],
  ['what may no longer be null', { anyOf: [text, { type: 'null' }] }, text, 'major', 'major', '/anyOf'],
  ['a branch of a discriminated oneOf added', { oneOf: [cat] }, { oneOf: [dog, cat] }, 'minor', 'major', '/oneOf/0'],
  [
    'a property in a branch of a discriminated oneOf',
    { oneOf: [cat, dog] },
    { oneOf: [object({ kind: { const: 'dog' }, age: whole, coat: text }, { required: ['kind'] }), cat] },
    'minor',
    'minor',
    '/oneOf/0/properties/coat',
  ],
  ['a oneOf without a discriminator', { oneOf: [text, whole] }, { oneOf: [text] }, 'major', 'major', '/oneOf'],
  ['an allOf that asks for more', { allOf: [text] }, { allOf: [text, { minLength: 1 }] }, 'major', 'major', '/allOf/1'],
  [
    'a further place of a tuple checked',
    { prefixItems: [text] },
    { prefixItems: [text, whole] },
    'major',
    'major',
    '/prefixItems/1/type',
  ],
  ['a dependency added', {}, { dependentRequired: { a: ['b'] } }, 'major', 'major', '/dependentRequired'],
  [
    'contains under a bound',
    { contains: text, maxContains: 1 },
    { contains: {}, maxContains: 1 },
    'major',
    'major',
    '/contains',
  ],
  [
    'nothing valid any more',
    { properties: { a: text } },
    { properties: { a: false } },
    'major',
    'major',
    '/properties/a',
  ],
  ['a keyword that no rule knows', {}, { $dynamicRef: '#a' }, 'major', 'major', '/$dynamicRef'],
]

describe('levels', () => {
  it.each(ROWS)('%s', (...[, before, after, request, fact, pointer]) => {
    for (const kind of ['request', 'reply', 'fact', undefined] as const) {
      const { level, changes } = compareSchemas(before, after, kind)
      expect({ kind, level }).toEqual({ kind, level: kind === 'request' ? request : fact })
      expect(changes.map((change) => change.pointer)).toContain(pointer)
    }
  })

  it('finds nothing where nothing but order and definitions changed', () => {
    const before = { $ref: '#/$defs/a', $defs: { a: { anyOf: [text, whole], enum: [1, 2] } } }
    const after = { enum: [2, 1], anyOf: [whole, text], $defs: { unused: dog } }
    expect(compareSchemas(before, after)).toEqual({ level: 'none', changes: [] })
  })

  it('takes a reference to a version of a registered schema for what it names, which never changes', () => {
    const order = (reference: string, more: object = {}) => ({
      ...object({ price: { $ref: '#/$defs/price' }, ...more }),
      $defs: { price: { $ref: reference } },
    })
    const added = compareSchemas(order('money@1.0.0'), order('money@1.0.0', { note: text }), 'request')
    expect(added.changes.map(({ pointer }) => pointer)).toEqual(['/properties/note'])
    const changed = compareSchemas(order('money@1.0.0'), order('money@1.1.0'))
    expect(changed).toMatchObject({ level: 'major', changes: [{ pointer: '/properties/price/$ref' }] })
  })

  it('ends on schemas that refer to themselves, and on those whose references double at every level', () => {
    const circle = { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }
    expect(compareSchemas(circle, { ...circle, title: 'a' }).level).toBe('major')
    const doubling = (leaf: object) => {
      const levels = Array.from({ length: 30 }, (_, index) => {
        const next = { $ref: `#/$defs/l${index + 1}` }
        return [`l${index}`, object({ a: next, b: next })]
      })
      return { $ref: '#/$defs/l0', $defs: { ...Object.fromEntries(levels), l30: leaf } }
    }
    expect(compareSchemas(doubling(text), doubling(whole)).level).toBe('major')
  })
})

const scalar = fc.oneof(
  fc.record({
    type: fc.constant('string'),
    maxLength: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    minLength: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    enum: fc.option(fc.uniqueArray(fc.constantFrom('a', 'bb', 'ccc'), { minLength: 1 }), { nil: undefined }),
  }),
  fc.record({
    type: fc.constantFrom('integer', 'number'),
    minimum: fc.option(fc.integer({ min: -1, max: 1 }), { nil: undefined }),
    exclusiveMaximum: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    multipleOf: fc.option(fc.constantFrom(1, 2), { nil: undefined }),
  }),
  fc.constantFrom({ type: 'null' }, { const: 'a' }, { type: ['string', 'null'] }, {}),
)
const schema: fc.Arbitrary<object> = fc
  .letrec<{ node: object }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'schema' },
      scalar,
      fc.record({ anyOf: fc.array(tie('node'), { minLength: 1, maxLength: 2 }) }),
      fc.record({ not: scalar }),
      fc.record({ type: fc.constant('array'), items: tie('node'), maxItems: fc.constantFrom(undefined, 1) }),
      fc.record({
        type: fc.constant('object'),
        properties: fc.dictionary(fc.constantFrom('a', 'b'), tie('node')),
        required: fc.subarray(['a', 'b']),
        // Only closed objects: what a new property says of members that an open one let pass is the table's own exception.
        additionalProperties: fc.constant(false),
      }),
    ),
  }))
  .node.map((made) => JSON.parse(JSON.stringify(made)) as object)
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'value' },
    fc.constantFrom(null, '', 'a', 'bb', 'ccc', -1, 0, 0.5, 1, 2),
    fc.array(tie('node'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('node')),
  ),
})).node

it('never calls a request additive that refuses a document its old schema accepted, nor a fact that old readers refuse beyond properties they ignore', () => {
  const { compile } = createSchemaCompiler()
  const accepts = (jsonSchema: object, document: unknown) =>
    compile(jsonSchema as never).validate?.(document)?.length === 0
  const check = ([before, after]: readonly [object, object], document: unknown) => {
    if (accepts(before, document))
      expect(accepts(after, document), JSON.stringify({ before, after, document })).toBe(true)
  }
  const additions: readonly string[] = ['property-added', 'properties-opened']
  fc.assert(
    fc.property(schema, schema, fc.array(value, { minLength: 20, maxLength: 20 }), (before, after, documents) => {
      const request = compareSchemas(before as never, after as never, 'request')
      const fact = compareSchemas(before as never, after as never, 'fact')
      if (request.level !== 'major') for (const document of documents) check([before, after], document)
      if (fact.level === 'major' || fact.changes.some(({ change }) => additions.includes(change))) return
      for (const document of documents) check([after, before], document)
    }),
    { numRuns: 300 },
  )
})

it('asks for the version that a change needs, and finds the versions that it must fit', () => {
  expect(['patch', 'minor', 'major'].map((level) => versionDemand('1.2.3', level as never))).toEqual([
    '1.2.4',
    '1.3.0',
    '2.0.0',
  ])
  expect(meetsDemand('1.2.3', '1.3.0', 'minor')).toBe(true)
  expect(meetsDemand('1.2.3', '1.10.0-beta.1', 'minor')).toBe(true)
  expect(meetsDemand('1.2.3', '1.2.9', 'minor')).toBe(false)
  const known = ['1.0.0', '10.0.0', '2.0.0', '3.0.0-rc.1'].map((version) => ({ version }))
  expect(neighboursOf('2.1.0', known)).toEqual({ below: { version: '2.0.0' }, above: { version: '10.0.0' } })
})

it('compares catalogues: what is gone or changed without its version breaks, what is new does not', () => {
  const event = (type: string, version: string, jsonSchema: JsonSchema, more: object = {}) => ({
    ...{ topic: 'business-facts', type, version, kind: 'fact' as const, jsonSchema },
    ...more,
  })
  const before = {
    events: [
      event('a.made', '1.0.0', object({ x: text })),
      event('b.made', '1.0.0', object({ x: text })),
      event('c.made', '1.0.0', {}),
      event('d.made', '1.0.0', {}, { responseType: 'd.done' }),
    ],
    schemas: [{ name: 'note', version: '1.0.0', jsonSchema: text }],
  }
  const after = {
    events: [
      event('a.made', '1.1.0', object({})),
      event('b.made', '2.0.0', object({})),
      event('d.made', '1.0.0', {}, { responseType: 'd.ended' }),
      event('e.made', '1.0.0', {}),
    ],
    schemas: [{ name: 'note', version: '1.0.0', jsonSchema: { ...text, title: 'A note' } }],
  }
  const found = compareCatalogues(before, after)
  expect(found.map(({ what, level, needs, isBreaking }) => [what, level, needs, isBreaking])).toEqual([
    ['event a.made on business-facts', 'major', '2.0.0', true],
    ['event b.made on business-facts', 'major', '2.0.0', false],
    ['event c.made on business-facts', 'major', undefined, true],
    ['event d.made on business-facts', 'major', '2.0.0', true],
    ['event e.made on business-facts', 'minor', undefined, false],
    ['schema note', 'patch', '1.0.1', true],
  ])
})

it.each([
  ['a keyword', { hasOwnProperty: 1 }],
  ['a pattern', { patternProperties: { constructor: text } }],
  ['a dependency', { dependentSchemas: { toString: text } }],
  ['a reference', { $ref: '#/constructor' }],
  ['a reference that is no percent encoding', { $ref: '#/%zz' }],
])('%s that every object inherits, or that is badly written, is compared like any other', (_what, schema) => {
  expect(compareSchemas({}, schema as JsonSchema).level).not.toBe('none')
  expect(compareSchemas(schema as JsonSchema, {}).level).not.toBe('none')
})
