import type { JsonSchema, SchemaIssue } from '@soma/kernel'
import { patternRisk } from './pattern-risk.ts'

const MAXIMUM_DEPTH = 32
const SCHEMA_MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
/** Members whose value is data, not schema: nothing inside is a keyword. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'required', 'dependentRequired'])

/** What the compiler itself would not refuse, or would refuse too late: where references point, how deep it nests, which patterns it holds. */
export function schemaIssues(schema: JsonSchema): SchemaIssue[] {
  const issues: SchemaIssue[] = []
  visit(schema, { pointer: '', depth: 1, issues })
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
  readonly issues: SchemaIssue[]
}

function visit(schema: unknown, place: Place): void {
  if (typeof schema !== 'object' || schema === null) return
  if (place.depth > MAXIMUM_DEPTH) {
    place.issues.push({ pointer: place.pointer, code: 'depth', detail: `nests deeper than ${MAXIMUM_DEPTH} schemas` })
    return
  }
  for (const [keyword, value] of Object.entries(schema))
    visitKeyword(keyword, value, { ...place, pointer: `${place.pointer}/${escape(keyword)}` })
}

function visitKeyword(keyword: string, value: unknown, place: Place): void {
  if (keyword === '$ref' || keyword === '$dynamicRef') return checkReference(value, place)
  if (keyword === 'pattern') return checkPattern(value, place)
  if (keyword === 'patternProperties') for (const pattern of keysOf(value)) checkPattern(pattern, place)
  if (DATA.has(keyword) || keyword.startsWith('x-') || typeof value !== 'object' || value === null) return
  const inside = (key: string): Place => ({
    ...place,
    pointer: `${place.pointer}/${escape(key)}`,
    depth: place.depth + 1,
  })
  if (SCHEMA_MAPS.has(keyword) || Array.isArray(value))
    for (const [key, item] of Object.entries(value)) visit(item, inside(key))
  else visit(value, { ...place, depth: place.depth + 1 })
}

function checkReference(value: unknown, { issues, pointer }: Place): void {
  if (typeof value === 'string' && value.startsWith('#')) return
  issues.push({
    pointer,
    code: 'ref',
    detail: `${JSON.stringify(value)} leaves the document: only references that begin with # are followed`,
  })
}

function checkPattern(value: unknown, { issues, pointer }: Place): void {
  const risk = typeof value === 'string' ? patternRisk(value) : undefined
  if (risk !== undefined)
    issues.push({ pointer, code: 'pattern', detail: `the pattern ${JSON.stringify(value)} is refused: ${risk}` })
}

const keysOf = (value: unknown): string[] => (typeof value === 'object' && value !== null ? Object.keys(value) : [])
const escape = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
