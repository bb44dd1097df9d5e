import type { JsonSchema } from '@soma/kernel'

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
 * become an `allOf`. `undefined` for a reference that leads nowhere or round in a circle.
 */
export function expand(node: unknown, root: JsonSchema, depth = 0): SchemaObject | undefined {
  if (node === true || node === undefined) return {}
  if (node === false) return FALSE
  if (!isObject(node)) return undefined
  if (node.$ref === undefined) return node
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
function targetOf(reference: unknown, root: JsonSchema): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return null
  if (reference === '#') return root
  if (!reference.startsWith('#/')) return anchored(root, reference.slice(1)) ?? null
  let node: unknown = root
  for (const step of decoded(reference.slice(2)).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return null
    node = (node as Record<string, unknown>)[key]
  }
  return node
}

/** As it stands when it is no percent encoding: then it leads nowhere. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function anchored(node: unknown, anchor: string): unknown {
  if (typeof node !== 'object' || node === null) return undefined
  if ((node as SchemaObject).$anchor === anchor) return node
  for (const value of Object.values(node)) {
    const found = anchored(value, anchor)
    if (found !== undefined) return found
  }
  return undefined
}

/** A schema's own member: names come from tenants, and `hasOwnProperty` may be one. */
export const ownMember = (of: SchemaObject, name: string): unknown => (Object.hasOwn(of, name) ? of[name] : undefined)

export const escapePointer = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1')
