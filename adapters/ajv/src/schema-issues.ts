import { type JsonSchema, type SchemaIssue, placeOfFragment, pointerTo, subschemas } from '@soma/kernel'
import { patternRisk } from './pattern-risk.ts'

const MAXIMUM_DEPTH = 32

/** Of the 2020-12 vocabularies, and `definitions`, which older schemas say for `$defs`. What ajv knows beside them (`nullable`, `$async` …) is unknown here. */
const KEYWORDS = new Set(
  [
    '$schema $id $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment $defs definitions',
    'allOf anyOf oneOf not if then else dependentSchemas dependentRequired prefixItems items contains properties patternProperties',
    'additionalProperties propertyNames unevaluatedItems unevaluatedProperties type const enum multipleOf maximum exclusiveMaximum',
    'minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains maxProperties',
    'minProperties required title description default deprecated readOnly writeOnly examples format contentEncoding',
    'contentMediaType contentSchema',
  ].flatMap((line) => line.split(' ')),
)

/** What the compiler itself would not refuse, would refuse too late, or would refuse without its place. */
export function schemaIssues(schema: JsonSchema, isFormat: (name: string) => boolean): SchemaIssue[] {
  const issues: SchemaIssue[] = []
  visit(schema, { pointer: '', depth: 1, resource: schema, isFormat, issues })
  return issues
}

/** The names that begin with `x-`, wherever they stand. */
export function notesOf(schema: unknown, names = new Set<string>()): string[] {
  if (typeof schema === 'object' && schema !== null)
    for (const [key, value] of Object.entries(schema)) {
      if (key.startsWith('x-')) names.add(key)
      notesOf(value, names)
    }
  return [...names]
}

interface Place {
  readonly pointer: string
  readonly depth: number
  /** The nearest schema around with an `$id`, else the whole: what references that begin with # are relative to. */
  readonly resource: unknown
  readonly isFormat: (name: string) => boolean
  readonly issues: SchemaIssue[]
}

function visit(schema: unknown, place: Place): void {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return
  if (place.depth > MAXIMUM_DEPTH) {
    place.issues.push({ pointer: place.pointer, code: 'depth', detail: `nests deeper than ${MAXIMUM_DEPTH} schemas` })
    return
  }
  const resource = '$id' in schema ? schema : place.resource
  for (const [keyword, value] of Object.entries(schema))
    checkKeyword(keyword, value, { ...place, resource, pointer: `${place.pointer}${pointerTo([keyword])}` })
  for (const { steps, schema: inner } of subschemas(schema))
    visit(inner, { ...place, resource, depth: place.depth + 1, pointer: `${place.pointer}${pointerTo(steps)}` })
}

function checkKeyword(keyword: string, value: unknown, place: Place): void {
  if (keyword === '$ref' || keyword === '$dynamicRef') checkReference(value, place)
  else if (keyword === 'pattern') checkPattern(value, place)
  else if (keyword === 'patternProperties') for (const pattern of keysOf(value)) checkPattern(pattern, place)
  else if (keyword === 'format') checkFormat(value, place)
  else if (!keyword.startsWith('x-') && !KEYWORDS.has(keyword)) {
    const detail = `no keyword ${JSON.stringify(keyword)}; notes of your own begin with x-`
    place.issues.push({ pointer: place.pointer, code: 'keyword', detail })
  }
}

function checkReference(value: unknown, { issues, pointer, resource }: Place): void {
  if (typeof value !== 'string') return
  const add = (why: string) => void issues.push({ pointer, code: 'ref', detail: `${JSON.stringify(value)} ${why}` })
  if (!value.startsWith('#')) add('leaves the document: only references that begin with # are followed')
  else if (placeOfFragment(resource, value.slice(1)) === undefined) add('leads nowhere in this document')
}

function checkPattern(value: unknown, { issues, pointer }: Place): void {
  const risk = typeof value === 'string' ? patternRisk(value) : undefined
  if (risk !== undefined)
    issues.push({ pointer, code: 'pattern', detail: `the pattern ${JSON.stringify(value)} is refused: ${risk}` })
}

function checkFormat(value: unknown, { issues, pointer, isFormat }: Place): void {
  if (typeof value !== 'string' || isFormat(value)) return
  issues.push({ pointer, code: 'format', detail: `no format ${JSON.stringify(value)}` })
}

const keysOf = (value: unknown): string[] => (typeof value === 'object' && value !== null ? Object.keys(value) : [])
