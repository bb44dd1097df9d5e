import { canonicalJson } from '@soma/kernel'
import type { SchemaPair } from './schema-pair.ts'
import { isObject, type SchemaObject } from './schema-node.ts'

/** `allOf`, `anyOf`, `oneOf`, `not` and `if`. */
export function compareBranches(pair: SchemaPair): void {
  compareAll(pair)
  compareAny(pair)
  compareOne(pair)
  compareNot(pair)
  compareConditions(pair)
}

const branchesOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

interface Pairing {
  readonly both: readonly (readonly [unknown, unknown, number])[]
  readonly removed: readonly number[]
  readonly added: readonly number[]
}

/** Pairs equal branches first, then those that stand for the same documents; what is left was removed or added. */
function pairUp(before: readonly unknown[], after: readonly unknown[]): Pairing {
  const partners = new Map<number, number>()
  for (const keyOf of [canonicalJson, kindOf]) {
    const taken = new Set(partners.values())
    after.forEach((branch, index) => {
      if (partners.has(index)) return
      const key = keyOf(branch)
      const partner = before.findIndex((other, at) => !taken.has(at) && keyOf(other) === key)
      if (partner === -1) return
      partners.set(index, partner)
      taken.add(partner)
    })
  }
  const taken = new Set(partners.values())
  return {
    both: [...partners].map(([index, partner]) => [before[partner], after[index], index] as const),
    removed: before.map((_, index) => index).filter((index) => !taken.has(index)),
    added: after.map((_, index) => index).filter((index) => !partners.has(index)),
  }
}

/** What a branch stands for: the constants that tell it from the others, else its reference, value or type. */
function kindOf(branch: unknown): string {
  if (!isObject(branch)) return canonicalJson(branch)
  return (
    discriminatorOf(branch) ??
    canonicalJson({ ref: branch.$ref ?? null, const: branch.const ?? null, type: branch.type ?? null })
  )
}

/** The required constants of an object, as text. */
function discriminatorOf(branch: unknown): string | undefined {
  if (!isObject(branch) || !isObject(branch.properties) || !Array.isArray(branch.required)) return undefined
  const required: readonly unknown[] = branch.required
  const constants = Object.entries(branch.properties).filter(
    ([name, schema]) => required.includes(name) && isObject(schema) && 'const' in schema,
  )
  if (constants.length === 0) return undefined
  return canonicalJson(constants.map(([name, schema]) => [name, (schema as SchemaObject).const]))
}

function compareAll(pair: SchemaPair): void {
  const { before, after, handled, report } = pair
  handled.add('allOf')
  const { both, removed, added } = pairUp(branchesOf(before.allOf), branchesOf(after.allOf))
  for (const [was, is, index] of both) pair.deeper(was, is, `/allOf/${index}`)
  for (const index of added) report('constraint-tightened', 'a further schema must hold', `/allOf/${index}`)
  for (const index of removed) report('constraint-relaxed', 'a schema need not hold any more', `/allOf/${index}`)
}

function compareAny(pair: SchemaPair): void {
  const { before, after, handled, report } = pair
  handled.add('anyOf')
  if (before.anyOf === undefined && after.anyOf === undefined) return
  if (before.anyOf === undefined) return report('constraint-tightened', 'one of several schemas must hold', '/anyOf')
  if (after.anyOf === undefined) return report('constraint-relaxed', 'none of several schemas need hold', '/anyOf')
  comparePairs(pair, 'anyOf')
}

function comparePairs(pair: SchemaPair, keyword: 'anyOf' | 'oneOf'): void {
  const { before, after, report } = pair
  const { both, removed, added } = pairUp(branchesOf(before[keyword]), branchesOf(after[keyword]))
  for (const [was, is, index] of both) pair.deeper(was, is, `/${keyword}/${index}`)
  for (const index of removed)
    report('branch-removed', `branch ${index} of the old ${keyword} is removed`, `/${keyword}`)
  for (const index of added) report('branch-added', 'a branch is added', `/${keyword}/${index}`)
}

/** Branches that a required constant tells apart exclude each other: such a `oneOf` is an `anyOf`. */
function compareOne(pair: SchemaPair): void {
  const { before, after, handled, report } = pair
  handled.add('oneOf')
  if (before.oneOf === undefined && after.oneOf === undefined) return
  if (before.oneOf === undefined) return report('constraint-tightened', 'exactly one schema must hold', '/oneOf')
  if (after.oneOf === undefined) return report('constraint-relaxed', 'no longer exactly one schema', '/oneOf')
  if (isDiscriminated(before.oneOf) && isDiscriminated(after.oneOf)) return comparePairs(pair, 'oneOf')
  const [was, is] = [branchesOf(before.oneOf), branchesOf(after.oneOf)]
  if (was.length !== is.length) return report('undecidable', 'branches of a oneOf changed', '/oneOf')
  is.forEach((branch, index) => compareOpaque(pair, [was[index], branch], `/oneOf/${index}`))
}

function isDiscriminated(branches: unknown): boolean {
  const kinds = branchesOf(branches).map(discriminatorOf)
  return kinds.every((kind) => kind !== undefined) && new Set(kinds).size === kinds.length
}

/** Texts inside are texts; any other change has an effect that nobody can tell. */
function compareOpaque(pair: SchemaPair, [before, after]: readonly [unknown, unknown], at: string): void {
  const changes = pair.inside(before, after, at)
  if (changes.some(({ level }) => level !== 'patch'))
    return pair.report('undecidable', 'its effect cannot be decided', at)
  for (const { change, why, pointer } of changes) pair.report(change, why, pointer.slice(pair.pointer.length))
}

function compareNot(pair: SchemaPair): void {
  const { before, after, handled, report } = pair
  handled.add('not')
  if (before.not === undefined && after.not === undefined) return
  if (before.not === undefined) return report('constraint-tightened', 'some values are excluded now', '/not')
  if (after.not === undefined) return report('constraint-relaxed', 'no values are excluded any more', '/not')
  compareOpaque(pair, [before.not, after.not], '/not')
}

function compareConditions(pair: SchemaPair): void {
  for (const keyword of ['if', 'then', 'else']) {
    pair.handled.add(keyword)
    const [was, is] = [pair.before[keyword], pair.after[keyword]]
    if (was === undefined && is === undefined) continue
    if (was === undefined || is === undefined) pair.report('undecidable', `${keyword} added or removed`, `/${keyword}`)
    else compareOpaque(pair, [was, is], `/${keyword}`)
  }
}
