const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
/** Members whose value is data, not schema: nothing inside is a keyword. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'required', 'dependentRequired'])

export interface Subschema {
  /** From the schema to this one: keyword, and the name or index below it where there is one. */
  readonly steps: readonly string[]
  readonly schema: unknown
}

/** The schemas directly inside a JSON Schema 2020-12. Data, and notes that begin with `x-`, hold none. */
export function subschemas(schema: object): Subschema[] {
  return Object.entries(schema).flatMap(([keyword, value]: [string, unknown]): Subschema[] => {
    if (DATA.has(keyword) || keyword.startsWith('x-') || typeof value !== 'object' || value === null) return []
    if (!MAPS.has(keyword) && !Array.isArray(value)) return [{ steps: [keyword], schema: value }]
    return Object.entries(value).map(([name, inner]) => ({ steps: [keyword, name], schema: inner as unknown }))
  })
}

export const pointerTo = (steps: readonly string[]): string =>
  steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/**
 * Where a fragment (what stands behind `#`: nothing, a JSON Pointer or an `$anchor`) leads inside a schema; undefined where it leads nowhere.
 * The pointer that is answered has no percent encoding.
 */
export function placeOfFragment(root: unknown, fragment: string): { pointer: string; schema: unknown } | undefined {
  const text = decoded(fragment)
  if (text !== '' && !text.startsWith('/')) return placeOfAnchor(root, text, '')
  let schema = root
  for (const step of text.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof schema !== 'object' || schema === null || !Object.hasOwn(schema, name)) return undefined
    schema = (schema as Record<string, unknown>)[name]
  }
  return { pointer: text, schema }
}

/** As it stands when it is no percent encoding. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function placeOfAnchor(
  node: unknown,
  anchor: string,
  pointer: string,
): { pointer: string; schema: unknown } | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  const { $anchor, $dynamicAnchor } = node as Record<string, unknown>
  if ($anchor === anchor || $dynamicAnchor === anchor) return { pointer, schema: node }
  for (const { steps, schema } of subschemas(node)) {
    const found = placeOfAnchor(schema, anchor, `${pointer}${pointerTo(steps)}`)
    if (found !== undefined) return found
  }
  return undefined
}
