import { canonicalJson } from '@soma/kernel'
import type { SchemaPair } from './schema-pair.ts'
import type { SchemaObject } from './schema-node.ts'

/** Type, enum, bounds, pattern, format and default of one value. */
export function compareValues(pair: SchemaPair): void {
  compareType(pair)
  if (isRetyped(pair.before, pair.after)) return
  compareEnum(pair)
  for (const [keyword, bound] of Object.entries(BOUNDS)) compareBound(pair, keyword, bound)
  comparePattern(pair)
  compareMultiple(pair)
  for (const keyword of FORMATS) compareFormat(pair, keyword)
  compareUnique(pair)
  compareDefault(pair)
}

const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing'

function compareType({ before, after, handled, report }: SchemaPair): void {
  handled.add('type')
  const [was, is] = [typesOf(before.type), typesOf(after.type)]
  const [widened, narrowed] = [!covers(was, is), !covers(is, was)]
  if (!widened && !narrowed) return
  const [left, right] = [show(before.type ?? 'any type'), show(after.type ?? 'any type')]
  if (narrowed) report('retyped', `the type was ${left} and is ${right}`, '/type')
  else report('constraint-relaxed', `the type was ${left} and may also be ${right}`, '/type')
}

/** Whether no type of one is a type of the other: nothing further is worth comparing. */
export function isRetyped(before: SchemaObject, after: SchemaObject): boolean {
  const is = typesOf(after.type)
  return !typesOf(before.type).some((type) => covers(is, [type]) || (type === 'number' && is.includes('integer')))
}

const ALL_TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']
const typesOf = (type: unknown): readonly unknown[] => (type === undefined ? ALL_TYPES : [type].flat())

/** Whether every type of `inner` is one of `outer`; an integer is a number. */
const covers = (outer: readonly unknown[], inner: readonly unknown[]): boolean =>
  inner.every((type) => outer.includes(type) || (type === 'integer' && outer.includes('number')))

/** `const` is an enum of one. */
function compareEnum({ before, after, handled, report }: SchemaPair): void {
  for (const keyword of ['enum', 'const', 'x-open-enum']) handled.add(keyword)
  compareOpenness({ before, after, report })
  const [was, is] = [valuesOf(before), valuesOf(after)]
  const at = after.enum === undefined && before.enum === undefined ? '/const' : '/enum'
  if (was === undefined && is === undefined) return
  if (was === undefined) return report('constraint-tightened', 'only listed values are valid now', at)
  if (is === undefined) return report('constraint-relaxed', 'values are no longer listed', at)
  const removed = [...was].filter((value) => !is.has(value))
  const added = [...is].filter((value) => !was.has(value))
  if (removed.length > 0) report('enum-value-removed', `removed: ${removed.join(', ')}`, at)
  if (added.length === 0) return
  const isOpen = before['x-open-enum'] === true
  report(isOpen ? 'open-enum-value-added' : 'enum-value-added', `added: ${added.join(', ')}`, at)
}

function compareOpenness({ before, after, report }: Pick<SchemaPair, 'before' | 'after' | 'report'>): void {
  const [was, is] = [before['x-open-enum'] === true, after['x-open-enum'] === true]
  if (was === is) return
  if (is) report('enum-opened', 'readers must expect further values from now on', '/x-open-enum')
  else report('enum-value-removed', 'the enum takes no further values any more', '/x-open-enum')
}

function valuesOf(schema: SchemaPair['before']): ReadonlySet<string> | undefined {
  if ('const' in schema) return new Set([canonicalJson(schema.const)])
  return Array.isArray(schema.enum) ? new Set(schema.enum.map(canonicalJson)) : undefined
}

/** What holds where the keyword is absent; a greater value is tighter for a lower bound. */
const BOUNDS: Readonly<Record<string, { absent: number; isLower: boolean }>> = {
  minimum: { absent: Number.NEGATIVE_INFINITY, isLower: true },
  exclusiveMinimum: { absent: Number.NEGATIVE_INFINITY, isLower: true },
  minLength: { absent: 0, isLower: true },
  minItems: { absent: 0, isLower: true },
  minProperties: { absent: 0, isLower: true },
  minContains: { absent: 1, isLower: true },
  maximum: { absent: Number.POSITIVE_INFINITY, isLower: false },
  exclusiveMaximum: { absent: Number.POSITIVE_INFINITY, isLower: false },
  maxLength: { absent: Number.POSITIVE_INFINITY, isLower: false },
  maxItems: { absent: Number.POSITIVE_INFINITY, isLower: false },
  maxProperties: { absent: Number.POSITIVE_INFINITY, isLower: false },
  maxContains: { absent: Number.POSITIVE_INFINITY, isLower: false },
}

function compareBound(
  { before, after, handled, report }: SchemaPair,
  keyword: string,
  { absent, isLower }: { absent: number; isLower: boolean },
): void {
  handled.add(keyword)
  const [was, is] = [Number(before[keyword] ?? absent), Number(after[keyword] ?? absent)]
  if (was === is) return
  const why = `${keyword} was ${show(before[keyword])} and is ${show(after[keyword])}`
  report(is > was === isLower ? 'constraint-tightened' : 'constraint-relaxed', why, `/${keyword}`)
}

/** Of two different patterns neither is known to accept what the other does. */
function comparePattern({ before, after, handled, report }: SchemaPair): void {
  handled.add('pattern')
  if (before.pattern === after.pattern) return
  if (after.pattern === undefined) return report('constraint-relaxed', 'the pattern is lifted', '/pattern')
  report('constraint-tightened', `the pattern must be ${show(after.pattern)}`, '/pattern')
}

function compareMultiple({ before, after, handled, report }: SchemaPair): void {
  handled.add('multipleOf')
  const [was, is] = [before.multipleOf, after.multipleOf]
  if (was === is) return
  const isRelaxed = is === undefined || (was !== undefined && Number(was) % Number(is) === 0)
  const why = `multipleOf was ${show(was)} and is ${show(is)}`
  report(isRelaxed ? 'constraint-relaxed' : 'constraint-tightened', why, '/multipleOf')
}

const FORMATS = ['format', 'contentEncoding', 'contentMediaType']

function compareFormat({ before, after, handled, report }: SchemaPair, keyword: string): void {
  handled.add(keyword)
  if (before[keyword] === after[keyword]) return
  if (after[keyword] === undefined) return report('constraint-relaxed', `${keyword} is lifted`, `/${keyword}`)
  report('format-added', `${keyword} was ${show(before[keyword])} and is ${show(after[keyword])}`, `/${keyword}`)
}

function compareUnique({ before, after, handled, report }: SchemaPair): void {
  handled.add('uniqueItems')
  const [was, is] = [before.uniqueItems === true, after.uniqueItems === true]
  if (was === is) return
  if (is) report('constraint-tightened', 'items must differ', '/uniqueItems')
  else report('constraint-relaxed', 'items may repeat', '/uniqueItems')
}

function compareDefault({ before, after, handled, report }: SchemaPair): void {
  handled.add('default')
  if (canonicalJson(before.default ?? null) === canonicalJson(after.default ?? null)) return
  report('default-changed', `the default was ${show(before.default)} and is ${show(after.default)}`, '/default')
}
