import { type JsonSchema, placeOfFragment, pointerTo, type SchemaIssue, subschemas } from '@soma/kernel'
import { isObject, type SchemaObject } from '../../contract/compatibility/schema-node.ts'
import { addressOf, readReference, type SchemaReference } from '../../contract/schema-reference.ts'

/** Of a schema with all that it refers to: what each process that validates by it compiles. */
export const MAX_SCHEMA_BYTES = 131_072
/** Deeper schemas are refused before anything else is asked of them; this walk must only end. */
const DEEPEST = 40

/** The registered schemas that a schema refers to, each with the place where it does. */
export function referencesOf(schema: JsonSchema): (SchemaReference & { pointer: string })[] {
  const found: (SchemaReference & { pointer: string })[] = []
  eachSchema(schema, (node, pointer) => {
    const reference = readReference(node.$ref)
    if (reference !== undefined) found.push({ ...reference, pointer: `${pointer}/$ref` })
  })
  return found
}

function eachSchema(
  node: unknown,
  visit: (schema: Record<string, unknown>, pointer: string) => void,
  pointer = '',
  depth = 0,
): void {
  if (!isObject(node) || depth > DEEPEST) return
  visit(node, pointer)
  for (const { steps, schema } of subschemas(node))
    eachSchema(schema, visit, `${pointer}${pointerTo(steps)}`, depth + 1)
}

/**
 * The same schema with every registered schema that it refers to inside, directly or through others, under `$defs/<name>@<version>`: it validates the same documents and
 * needs no registry. Schemas may refer to one another in a circle. What cannot be found is an issue with its place in `root`, and one of too many bytes is made no further.
 * @param self name and version of `root`, for references back to it
 */
export function bundleSchema(
  root: JsonSchema,
  find: (reference: SchemaReference) => JsonSchema | undefined,
  self?: string,
): { schema: JsonSchema; issues: readonly SchemaIssue[] } {
  const references = referencesOf(root)
  if (references.length === 0 || !isObject(root)) return { schema: root, issues: [] }
  const issues = issuesOf(root, references, find)
  if (issues.length > 0) return { schema: root, issues }
  const bases = new Map(self === undefined ? [] : [[self, { base: '', original: root as JsonSchema }]])
  const definitions: Record<string, unknown> = {}
  let bytes = 0
  const own = isObject(root.$defs) ? root.$defs : {}
  const baseOf = (reference: SchemaReference) => {
    const address = addressOf(reference)
    const known = bases.get(address)
    if (known !== undefined) return known
    const key = Object.hasOwn(own, address) ? `soma:${address}` : address
    const entry = { base: pointerTo(['$defs', key]), original: find(reference) ?? true }
    bases.set(address, entry)
    if (bytes > MAX_SCHEMA_BYTES) return entry
    bytes += bytesOf(entry.original)
    definitions[key] = relocate(entry.original, entry.base, baseOf)
    return entry
  }
  const schema = relocate(root, '', baseOf) as SchemaObject
  const bundled = { ...schema, $defs: { ...(schema.$defs as object), ...definitions } }
  return bytes > MAX_SCHEMA_BYTES ? { schema: root, issues: [tooLarge(bytes)] } : { schema: bundled, issues: [] }
}

export const bytesOf = (schema: JsonSchema): number => Buffer.byteLength(JSON.stringify(schema))

export const tooLarge = (bytes: number): SchemaIssue => ({
  pointer: '',
  code: 'too-large',
  detail: `the schema and what it refers to have ${bytes} bytes or more, at most ${MAX_SCHEMA_BYTES} are allowed`,
})

type BaseOf = (reference: SchemaReference) => { base: string; original: JsonSchema }

/** A copy that stands at `base` of the bundle, with its references led there. */
function relocate(original: JsonSchema, base: string, baseOf: BaseOf): unknown {
  const copy = structuredClone(original)
  eachSchema(copy, (node) => {
    if (base !== '') for (const keyword of ['$id', '$schema', '$anchor']) delete node[keyword]
    const { $ref } = node
    const reference = readReference($ref)
    if (reference !== undefined) {
      const target = baseOf(reference)
      node.$ref = fragmentOf(target.base, target.original, reference.fragment)
    } else if (base !== '' && typeof $ref === 'string' && $ref.startsWith('#'))
      node.$ref = fragmentOf(base, original, $ref.slice(1))
  })
  return copy
}

const fragmentOf = (base: string, original: JsonSchema, fragment: string): string =>
  `#${encodeURI(`${base}${placeOfFragment(original, fragment)?.pointer ?? ''}`).replaceAll('#', '%23')}`

function issuesOf(
  root: SchemaObject,
  references: readonly (SchemaReference & { pointer: string })[],
  find: (reference: SchemaReference) => JsonSchema | undefined,
): SchemaIssue[] {
  const issues = references.flatMap((reference): SchemaIssue[] => {
    const address = addressOf(reference)
    const add = (detail: string) => [{ pointer: reference.pointer, code: 'ref', detail }]
    const target = find(reference)
    if (target === undefined) return add(`no schema ${address} is registered`)
    if (placeOfFragment(target, reference.fragment) === undefined)
      return add(`#${reference.fragment} leads nowhere in ${address}`)
    const flaw = immovable(target)
    return flaw === undefined ? [] : add(`${address} cannot be referred to: it has a ${flaw}`)
  })
  const flaw = immovable(root)
  if (flaw === undefined) return issues
  return [...issues, { pointer: flaw, code: 'ref', detail: 'cannot stand beside references to registered schemas' }]
}

/** Keywords that give references another meaning wherever their schema is moved: an `$id` inside, and dynamic references. */
function immovable(schema: JsonSchema): string | undefined {
  let found: string | undefined
  eachSchema(schema, (node, pointer) => {
    if ('$dynamicRef' in node) found ??= `${pointer}/$dynamicRef`
    if ('$dynamicAnchor' in node) found ??= `${pointer}/$dynamicAnchor`
    if (pointer !== '' && '$id' in node) found ??= `${pointer}/$id`
  })
  return found
}
