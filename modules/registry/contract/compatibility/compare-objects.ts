import { canonicalJson } from '@soma/kernel'
import type { SchemaPair } from './schema-pair.ts'
import { escapePointer, isObject, ownMember, type SchemaObject } from './schema-node.ts'

/** Properties and items: what a document is made of. */
export function compareObjects(pair: SchemaPair): void {
  compareProperties(pair)
  for (const keyword of ['additionalProperties', 'unevaluatedProperties', 'unevaluatedItems'])
    compareOpen(pair, keyword)
  comparePatterns(pair)
  compareItems(pair)
  for (const keyword of ['propertyNames', 'contentSchema']) {
    pair.handled.add(keyword)
    pair.deeper(pair.before[keyword], pair.after[keyword], `/${keyword}`)
  }
  compareContains(pair)
  compareDependencies(pair)
}

const membersOf = (value: unknown): SchemaObject => (isObject(value) ? value : {})
const namesOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

function compareProperties(pair: SchemaPair): void {
  const { before, after, handled, report } = pair
  for (const keyword of ['properties', 'required']) handled.add(keyword)
  const [was, is] = [membersOf(before.properties), membersOf(after.properties)]
  const renamed = renamesOf(was, is)
  for (const [name, schema] of Object.entries(was)) {
    const at = `/properties/${escapePointer(name)}`
    if (Object.hasOwn(is, name)) pair.deeper(schema, is[name], at)
    else if (renamed.has(name)) report('property-renamed', `"${name}" is "${renamed.get(name)}" now`, at)
    else report('property-removed', `"${name}" is removed`, at)
  }
  const fromRenames = new Set(renamed.values())
  const added = Object.keys(is).filter((name) => !Object.hasOwn(was, name) && !fromRenames.has(name))
  for (const name of added) compareAdded(pair, name, is[name])
  compareRequired(pair, new Set([...fromRenames, ...Object.keys(was).filter((name) => !Object.hasOwn(is, name))]))
}

/** One removed and one added property of equal schema are a rename. */
function renamesOf(was: SchemaObject, is: SchemaObject): Map<string, string> {
  const added = Object.keys(is).filter((name) => !Object.hasOwn(was, name))
  const renamed = new Map<string, string>()
  for (const name of Object.keys(was).filter((old) => !Object.hasOwn(is, old))) {
    const text = canonicalJson(was[name])
    const partner = added.find((other) => canonicalJson(is[other]) === text && ![...renamed.values()].includes(other))
    if (partner !== undefined) renamed.set(name, partner)
  }
  return renamed
}

/** Where the old schema said what further properties look like, the new one may not ask for more. */
function compareAdded(pair: SchemaPair, name: string, schema: unknown): void {
  const { before, after, report } = pair
  const at = `/properties/${escapePointer(name)}`
  if (!namesOf(after.required).includes(name)) report('property-added', `"${name}" may be given`, at)
  if (isObject(before.additionalProperties)) pair.deeper(before.additionalProperties, schema, at)
}

function compareRequired({ before, after, report }: SchemaPair, told: ReadonlySet<string>): void {
  const [was, is] = [namesOf(before.required), namesOf(after.required)]
  for (const name of is.filter((one) => !was.includes(one) && !told.has(one)))
    report('required-added', `"${name}" must be given`, `/required`)
  for (const name of was.filter((one) => !is.includes(one) && !told.has(one)))
    report('required-removed', `"${name}" may be missing`, `/required`)
}

function compareOpen(pair: SchemaPair, keyword: string): void {
  const { before, after, handled, report } = pair
  handled.add(keyword)
  const [was, is] = [before[keyword] ?? true, after[keyword] ?? true]
  if (was === is) return
  if (isObject(was) && isObject(is)) return pair.deeper(was, is, `/${keyword}`)
  const isOpened = was === false || is === true
  const why = isOpened ? 'further members are valid now' : 'further members are no longer valid as they were'
  report(isOpened ? 'properties-opened' : 'properties-closed', why, `/${keyword}`)
}

function comparePatterns(pair: SchemaPair): void {
  pair.handled.add('patternProperties')
  const [was, is] = [membersOf(pair.before.patternProperties), membersOf(pair.after.patternProperties)]
  for (const pattern of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const at = `/patternProperties/${escapePointer(pattern)}`
    if (!Object.hasOwn(was, pattern))
      pair.report('constraint-tightened', `properties like ${pattern} are checked now`, at)
    else if (!Object.hasOwn(is, pattern)) pair.report('property-removed', `properties like ${pattern} are removed`, at)
    else pair.deeper(was[pattern], is[pattern], at)
  }
}

function compareItems(pair: SchemaPair): void {
  const { before, after, handled } = pair
  for (const keyword of ['items', 'prefixItems']) handled.add(keyword)
  const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
  const [was, is] = [listOf(before.prefixItems), listOf(after.prefixItems)]
  for (let index = 0; index < Math.max(was.length, is.length); index++) {
    pair.deeper(was[index] ?? before.items, is[index] ?? after.items, `/prefixItems/${index}`)
  }
  pair.deeper(before.items, after.items, '/items')
}

/** With an upper bound on matches a wider `contains` is a tighter one. */
function compareContains(pair: SchemaPair): void {
  const { before, after, handled, report } = pair
  handled.add('contains')
  if (before.contains === undefined && after.contains === undefined) return
  if (before.contains === undefined) return report('constraint-tightened', 'an item must match now', '/contains')
  if (after.contains === undefined) return report('constraint-relaxed', 'no item needs to match', '/contains')
  const isBounded = before.maxContains !== undefined || after.maxContains !== undefined
  if (!isBounded) return pair.deeper(before.contains, after.contains, '/contains')
  if (pair.inside(before.contains, after.contains, '/contains').length > 0)
    report('undecidable', 'contains changed beside maxContains', '/contains')
}

function compareDependencies(pair: SchemaPair): void {
  for (const keyword of ['dependentRequired', 'dependentSchemas']) pair.handled.add(keyword)
  const { before, after, report } = pair
  const names = (schema: SchemaObject) =>
    Object.entries(membersOf(schema.dependentRequired)).flatMap(([name, needs]) =>
      namesOf(needs).map((need) => `"${name}" needs "${need}"`),
    )
  const [was, is] = [names(before), names(after)]
  for (const need of is.filter((one) => !was.includes(one))) report('constraint-tightened', need, '/dependentRequired')
  for (const need of was.filter((one) => !is.includes(one)))
    report('constraint-relaxed', `no longer ${need}`, '/dependentRequired')
  const [old, now] = [membersOf(before.dependentSchemas), membersOf(after.dependentSchemas)]
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)]))
    pair.deeper(ownMember(old, name), ownMember(now, name), `/dependentSchemas/${escapePointer(name)}`)
}
