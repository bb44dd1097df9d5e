import { canonicalJson, type JsonSchema } from '@soma/kernel'
import { type DataKind, levelOf, reportOf, type SchemaChange, type SchemaReport } from './changes.ts'
import { compareBranches } from './compare-branches.ts'
import { compareObjects } from './compare-objects.ts'
import { compareValues, isRetyped } from './compare-values.ts'
import type { SchemaPair } from './schema-pair.ts'
import { expand, isFalse, isText, ownMember, PLACES, type SchemaObject } from './schema-node.ts'

interface Comparison {
  readonly roots: { readonly before: JsonSchema; readonly after: JsonSchema }
  readonly kind: DataKind | undefined
  readonly changes: SchemaChange[]
  /** Pairs of nodes that were compared: recursive schemas end here, and shared ones are reported once. */
  readonly seen: Map<unknown, Set<unknown>>
}

/**
 * What a new version of a JSON Schema 2020-12 changes for those who read and write its documents, by the table of `SCHEMA_CHANGES`. References inside
 * the document are followed. A change that cannot be decided counts as major. Pure: needs no compiler and no network.
 * @param kind of the data; absent: the strictest of all
 */
export function compareSchemas(before: JsonSchema, after: JsonSchema, kind?: DataKind): SchemaReport {
  if (canonicalJson(before) === canonicalJson(after)) return { level: 'none', changes: [] }
  const comparison: Comparison = { roots: { before, after }, kind, changes: [], seen: new Map() }
  compareNodes(before, after, '', comparison)
  return reportOf(comparison.changes)
}

function compareNodes(before: unknown, after: unknown, pointer: string, comparison: Comparison): void {
  if (wasSeen(before, after, comparison)) return
  const left = expand(before, comparison.roots.before)
  const right = expand(after, comparison.roots.after)
  const report = reporter(pointer, comparison)
  if (left === undefined || right === undefined) return report('undecidable', 'a $ref leads nowhere', '/$ref')
  if (isFalse(left) || isFalse(right)) return compareFalse(left, right, report)
  const pair: SchemaPair = {
    ...unionised(left, right),
    pointer,
    handled: new Set(),
    report,
    deeper: (one, other, at) => compareNodes(one ?? true, other ?? true, `${pointer}${at}`, comparison),
    inside: (one, other, at) => {
      const silent = { ...comparison, changes: [], seen: new Map() }
      compareNodes(one ?? true, other ?? true, `${pointer}${at}`, silent)
      return silent.changes
    },
  }
  compareValues(pair)
  if (isRetyped(left, right)) return
  compareObjects(pair)
  compareBranches(pair)
  compareRest(pair)
}

/** Whether the pair needs no look: it is being compared or was, or both accept the same at a glance. */
function wasSeen(before: unknown, after: unknown, { seen }: Comparison): boolean {
  if (typeof before === 'boolean' && typeof after === 'boolean') return before === after
  const partners = seen.get(before) ?? new Set()
  if (partners.has(after)) return true
  seen.set(before, partners.add(after))
  return false
}

const reporter =
  (pointer: string, { changes, kind }: Comparison): SchemaPair['report'] =>
  (change, why, at = '') =>
    void changes.push({ pointer: `${pointer}${at}`, change, level: levelOf(change, kind), why })

function compareFalse(before: SchemaObject, after: SchemaObject, report: SchemaPair['report']): void {
  if (isFalse(before) && isFalse(after)) return
  if (isFalse(after)) report('constraint-tightened', 'no value is valid any more')
  else report('constraint-relaxed', 'values are valid where none was')
}

/** `{type: string}` beside `{anyOf: [{type: string}, {type: null}]}` is a union of one: so nullability is one branch more or less. */
function unionised(before: SchemaObject, after: SchemaObject): { before: SchemaObject; after: SchemaObject } {
  const isUnion = (schema: SchemaObject) =>
    Array.isArray(schema.anyOf) && Object.keys(schema).every((keyword) => keyword === 'anyOf' || isText(keyword))
  if (isUnion(before) === isUnion(after)) return { before, after }
  const wrap = (schema: SchemaObject): SchemaObject => {
    const isTextual = ([keyword]: [string, unknown]) => isText(keyword)
    const texts = Object.entries(schema).filter(isTextual)
    const rules = Object.entries(schema).filter((entry) => !isTextual(entry))
    return { ...Object.fromEntries(texts), anyOf: [Object.fromEntries(rules)] }
  }
  return isUnion(before) ? { before, after: wrap(after) } : { before: wrap(before), after }
}

/** Texts are patches; a keyword that no rule knows is major. */
function compareRest({ before, after, handled, report }: SchemaPair): void {
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)])
  for (const keyword of keywords) {
    if (handled.has(keyword) || PLACES.has(keyword)) continue
    if (canonicalJson(ownMember(before, keyword) ?? null) === canonicalJson(ownMember(after, keyword) ?? null)) continue
    if (isText(keyword)) report('text-changed', `${keyword} changed`, `/${keyword}`)
    else report('undecidable', `${keyword} changed, and its effect cannot be decided`, `/${keyword}`)
  }
}
