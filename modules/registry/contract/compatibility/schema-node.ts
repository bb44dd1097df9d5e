import { type JsonSchema, placeOfFragment } from '@soma/kernel'
import { readReference } from '../schema-reference.ts'

export type SchemaObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is SchemaObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Keywords that say something to people and nothing to a validator. */
export const isText = (keyword: string): boolean =>
  TEXT_KEYWORDS.has(keyword) || (keyword.startsWith('x-') && keyword !== 'x-open-enum')
const TEXT_KEYWORDS = new Set(['title', 'description', 'examples', '$comment', 'deprecated', 'readOnly', 'writeOnly'])
/** Names and places: they matter where a reference leads to them. */
export const PLACES = new Set(['$id', '$schema', '$defs', 'definitions', '$anchor'])

const MAXIMUM_REFERENCES = 32

/**
 * A schema as an object with its references followed. What stands beside a `$ref` holds as well: where both say something about one keyword, they
 * become an `allOf`. A reference to a registered schema stays as it stands: that never changes. `undefined` for any other that leads nowhere or round in a circle.
 */
export function expand(node: unknown, root: JsonSchema, depth = 0): SchemaObject | undefined {
  if (node === true || node === undefined) return {}
  if (node === false) return FALSE
  if (!isObject(node)) return undefined
  if (node.$ref === undefined || readReference(node.$ref) !== undefined) return node
  if (depth > MAXIMUM_REFERENCES) return undefined
  const { $ref, ...beside } = node
  const target = expand(targetOf($ref, root), root, depth + 1)
  if (target === undefined || Object.keys(beside).length === 0) return target
  const clash = Object.keys(beside).some((keyword) => !isText(keyword) && keyword in target)
  return clash ? { allOf: [target, beside] } : { ...target, ...beside }
}

/** The schema that no document satisfies. */
export const FALSE: SchemaObject = { not: {} }
export const isFalse = (schema: SchemaObject): boolean =>
  schema === FALSE || (isObject(schema.not) && Object.keys(schema.not).length === 0) || schema.not === true

/** Where a reference inside the document leads; a marker that is no schema where it leads nowhere. */
const targetOf = (reference: unknown, root: JsonSchema): unknown =>
  typeof reference === 'string' && reference.startsWith('#')
    ? (placeOfFragment(root, reference.slice(1))?.schema ?? null)
    : null

/** A schema's own member: names come from tenants, and `hasOwnProperty` may be one. */
export const ownMember = (of: SchemaObject, name: string): unknown => (Object.hasOwn(of, name) ? of[name] : undefined)

export const escapePointer = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1')
