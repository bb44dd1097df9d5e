import type { Operation } from '@soma/kernel'
import { type Input, inputOf, type JsonSchema, PARTS, type Part, resolve, sampleOf, schemaOf } from './sample.ts'

export interface BadInput {
  /** What is wrong with it: `body/title: another type`. */
  readonly name: string
  readonly part: Part
  readonly input: Input
}

const MAXIMUM_DEPTH = 3

/**
 * Inputs of an operation that its schemas refuse, one fault each: another type, a missing field, an unknown one, too long, too short, out of
 * range, beyond the enumeration, against the pattern. What a schema accepts after all (a coerced number) is left out.
 */
export function badInputsOf(operation: Operation): BadInput[] {
  const good = inputOf(operation)
  return PARTS.flatMap((part) => {
    const schema = operation[part]
    if (schema === undefined) return []
    const root = schemaOf(schema)
    return faultsOf(root, { value: good[part], root, path: [part] }).flatMap(({ name, value }) => {
      const wire = part === 'body' ? value : asText(value)
      if (wire === undefined || (part === 'params' && !hasSameNames(wire, good.params))) return []
      if (schema.safeParse(wire).success) return []
      return [{ name, part, input: { ...good, [part]: wire } as Input }]
    })
  })
}

/** A path without one of its parts, or with one more, is another path. */
const hasSameNames = (wire: unknown, params: unknown): boolean =>
  Object.keys(wire as object).join() === Object.keys(params as object).join()

/** Path and query hold text, and an empty part of a path is another path. */
function asText(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value).map(([name, member]) => [
    name,
    typeof member === 'object' ? JSON.stringify(member) : String(member),
  ])
  return entries.some(([, text]) => text === '' || text === '.' || text === '..')
    ? undefined
    : Object.fromEntries(entries)
}

interface Place {
  readonly value: unknown
  readonly root: JsonSchema
  readonly path: readonly string[]
}
interface Fault {
  readonly name: string
  readonly value: unknown
}

function faultsOf(given: JsonSchema, { value, root, path }: Place): Fault[] {
  const schema = given.$ref === undefined ? given : resolve(given.$ref, root)
  const own = [...wrongTypes(schema), ...outOfBounds(schema)].map(([what, wrong]) => ({
    name: `${path.join('/')}: ${what}`,
    value: wrong,
  }))
  if (schema.type !== 'object' || path.length > MAXIMUM_DEPTH || schema.properties === undefined) return own
  const base = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const unknownField =
    schema.additionalProperties === false
      ? [{ name: `${path.join('/')}: an unknown field`, value: { ...base, noSuchField: 1 } }]
      : []
  const missing = ((schema.required ?? []) as string[]).map((field) => {
    const { [field]: _left, ...rest } = base
    return { name: `${path.join('/')}/${field}: missing`, value: rest }
  })
  const inside = Object.entries(schema.properties as Record<string, JsonSchema>).flatMap(([field, member]) =>
    faultsOf(member, { value: base[field] ?? sampleOf(member, root), root, path: [...path, field] }).map((fault) => ({
      name: fault.name,
      value: { ...base, [field]: fault.value },
    })),
  )
  return [...own, ...unknownField, ...missing, ...inside]
}

function wrongTypes(schema: JsonSchema): [string, unknown][] {
  const wrong: [string, unknown][] = [
    ['an object instead', { wrong: true }],
    ['a list instead', [['wrong']]],
    ['a number instead', 1.5],
    ['a text instead', 'wrong type'],
    ['null instead', null],
  ]
  return schema.type === 'object' ? wrong.slice(1) : wrong
}

function outOfBounds(schema: JsonSchema): [string, unknown][] {
  const faults: [string, unknown][] = []
  if (typeof schema.maxLength === 'number' && schema.maxLength <= 20_000)
    faults.push(['too long', 'x'.repeat(schema.maxLength + 1)])
  if (typeof schema.minLength === 'number') faults.push(['too short', ''])
  if (typeof schema.maximum === 'number') faults.push(['too high', schema.maximum + 1])
  if (typeof schema.minimum === 'number') faults.push(['too low', schema.minimum - 1])
  if (schema.type === 'integer') faults.push(['beyond 2^53', 1e300])
  if (typeof schema.maxItems === 'number' && schema.maxItems <= 500)
    faults.push(['too many', Array.from({ length: schema.maxItems + 1 }, () => sampleOf(schema.items ?? {}))])
  if (schema.enum !== undefined) faults.push(['none of the enumeration', 'no-such-value'])
  if (schema.pattern !== undefined || schema.format !== undefined) faults.push(['against the pattern', ' !wrong! '])
  return faults
}
