import type { Json } from '@soma/kernel'
import type { EventCandidate } from './event-toolkit.ts'

/** What a goal has given and what its actions have answered so far, by name. */
export interface Known {
  readonly data: Json
  /** By event type, oldest first. */
  readonly results: Readonly<Record<string, Json>>
}

type Fields = Readonly<Record<string, Json>>

/** The fields of a schema that `known` can fill by their names, newest answer first, goal last. Undefined when a required one is missing. */
export function fillFields(schema: unknown, known: Known): Fields | undefined {
  const sources = [...Object.values(known.results).toReversed(), known.data].filter(isObject)
  const filled: Record<string, Json> = {}
  for (const name of fieldsOf(schema)) {
    const source = sources.find((candidate) => Object.hasOwn(candidate, name))
    if (source !== undefined) filled[name] = source[name] as Json
  }
  return requiredOf(schema).every((name) => Object.hasOwn(filled, name)) ? filled : undefined
}

/** The best-ranked candidate that was not asked yet and whose required fields are known, with its data. */
export function matchEvent(
  candidates: readonly EventCandidate[],
  known: Known,
  isAsked: (type: string) => boolean,
): { readonly event: EventCandidate; readonly data: Fields } | undefined {
  for (const event of candidates) {
    const data = isAsked(event.type) ? undefined : fillFields(event.parameters, known)
    if (data !== undefined) return { event, data }
  }
  return undefined
}

export const requiredOf = (schema: unknown): readonly string[] =>
  isObject(schema) && Array.isArray(schema.required) ? (schema.required as string[]) : []

const fieldsOf = (schema: unknown): readonly string[] =>
  isObject(schema) && isObject(schema.properties as Json) ? Object.keys(schema.properties as Fields) : []

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
