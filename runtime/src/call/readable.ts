import { commonProblems, type FieldError } from '@soma/kernel'
import type { RawInput } from './parse.ts'

/** No input of ours nests deeper; schemas and canonical JSON are read by recursion, which must not meet the end of the stack. */
const MAXIMUM_DEPTH = 100
const MAXIMUM_ERRORS = 50

/** What Postgres cannot hold in text or jsonb: NUL, and surrogates that are no pair. */
const UNSTORABLE = /\0|\p{Surrogate}/u

/**
 * Refuses what no part of the platform can keep, once for all operations, before anything reads it.
 * @throws malformed-body for nesting over 100 levels; invalid-request naming each text or field name with a NUL or half a surrogate pair
 */
export function refuseUnreadable({ params, query, body }: RawInput): void {
  const errors: FieldError[] = []
  inspect({ params, query, body }, [], errors)
  const first = errors[0]
  if (first !== undefined) throw commonProblems.invalidRequest.create(`${first.pointer}: ${first.detail}`, { errors })
}

function inspect(value: unknown, path: string[], errors: FieldError[]): void {
  if (typeof value === 'string') check(value, path, errors)
  if (typeof value !== 'object' || value === null) return
  if (path.length > MAXIMUM_DEPTH)
    throw commonProblems.malformedBody.create(`the input nests deeper than ${MAXIMUM_DEPTH} levels`)
  for (const [name, member] of Object.entries(value)) {
    check(name, path, errors)
    path.push(name)
    inspect(member, path, errors)
    path.pop()
  }
}

function check(text: string, path: readonly string[], errors: FieldError[]): void {
  if (!UNSTORABLE.test(text) || errors.length >= MAXIMUM_ERRORS) return
  const pointer = path.map((segment) => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  errors.push({ pointer, code: 'not-storable', detail: 'NUL and halves of surrogate pairs cannot be stored' })
}
