import type { Schema } from '@soma/kernel'
import type * as z from 'zod'
import { refusal } from './refusal.ts'

type Part = 'path' | 'query' | 'body'

/** What Postgres cannot hold in text or jsonb: NUL, and surrogates that are no pair. */
const UNSTORABLE = /\0|\p{Surrogate}/u
export const isStorable = (text: string): boolean => !UNSTORABLE.test(text)
/** As deep as operations of ours read. */
const MAXIMUM_DEPTH = 100

/** @throws 422 for text that cannot be kept, and for input that nests deeper than 100 levels */
export function assertReadable(part: Part, input: unknown, path: readonly string[] = []): void {
  const refuse = (type: string, msg: string) =>
    refusal(422, [{ type, loc: [part, ...path.slice(0, 10)], msg, input: null }])
  if (typeof input === 'string' && !isStorable(input))
    throw refuse('value_error', 'NUL and halves of surrogate pairs cannot be stored')
  if (typeof input !== 'object' || input === null) return
  if (path.length > MAXIMUM_DEPTH) throw refuse('recursion_loop', `nests deeper than ${MAXIMUM_DEPTH} levels`)
  for (const [name, member] of Object.entries(input)) {
    assertReadable(part, name, path)
    assertReadable(part, member, [...path, name])
  }
}

/** The input as its schema reads it. @throws 422 with an entry for each flaw, as the original's clients know them */
export function validate(schema: Schema, part: Part, input: unknown): unknown {
  assertReadable(part, input)
  const result = schema.safeParse(input, { reportInput: true })
  if (result.success) return result.data
  throw refusal(
    422,
    result.error.issues.map((issue) => entryOf(issue, part, input)),
  )
}

function entryOf(issue: z.core.$ZodIssue, part: Part, input: unknown) {
  const loc = [part, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))]
  if (issue.input === undefined)
    return { type: 'missing', loc, msg: 'Field required', input: valueAt(input, issue.path.slice(0, -1)) ?? null }
  return { type: TYPES[issue.code] ?? 'value_error', loc, msg: issue.message, input: issue.input }
}

/** The names that Pydantic has for what clients may look at. */
const TYPES: Readonly<Record<string, string>> = {
  invalid_type: 'type_error',
  invalid_value: 'enum',
  too_big: 'too_long',
  too_small: 'too_short',
  invalid_format: 'string_pattern_mismatch',
}

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  )

/** @throws 422 for what is no JSON */
export function readJson(body: Uint8Array): unknown {
  if (body.length === 0) return undefined
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw refusal(422, [
      {
        type: 'json_invalid',
        loc: ['body', 0],
        msg: 'JSON decode error',
        input: {},
        ctx: { error: error instanceof Error ? error.message : '' },
      },
    ])
  }
}
