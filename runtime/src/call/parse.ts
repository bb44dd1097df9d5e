import { commonProblems, type FieldError, type Operation, type Schema } from '@soma/kernel'
import type * as z from 'zod'

export interface RawInput {
  readonly params?: unknown
  readonly query?: unknown
  readonly body?: unknown
}

type Part = 'params' | 'query' | 'body'

/** Parses all parts of a request. @throws invalid-request with one entry a field, of all parts at once. */
export function parseInput(operation: Operation, input: RawInput): Record<Part, unknown> {
  const errors: FieldError[] = []
  const parsed = {
    params: parsePart(operation.params, input.params ?? {}, 'params', errors),
    query: parsePart(operation.query, input.query ?? {}, 'query', errors),
    body: parsePart(operation.body, input.body, 'body', errors),
  }
  rejectUnexpected(operation, input, errors)
  if (errors.length > 0) throw commonProblems.invalidRequest.create(describe(errors), { errors })
  return parsed
}

function parsePart(schema: Schema | undefined, value: unknown, part: Part, errors: FieldError[]): unknown {
  if (schema === undefined) return undefined
  const result = schema.safeParse(value)
  if (result.success) return result.data
  errors.push(...fieldErrors(result.error, `/${part}`))
  return undefined
}

function rejectUnexpected(operation: Operation, input: RawInput, errors: FieldError[]): void {
  if (operation.query === undefined && input.query !== undefined && input.query !== null) {
    for (const name of Object.keys(input.query))
      errors.push({
        pointer: `/query/${escape(name)}`,
        code: 'unknown-field',
        detail: 'this operation has no query fields',
      })
  }
  if (operation.body === undefined && input.body !== undefined && input.body !== null && !isEmptyObject(input.body)) {
    errors.push({ pointer: '/body', code: 'unknown-field', detail: 'this operation has no body' })
  }
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** Zod issues as field errors with JSON Pointers (RFC 6901); unknown keys are one entry each. */
export function fieldErrors(error: z.ZodError, base: string): FieldError[] {
  return error.issues.flatMap((issue) => {
    const pointer = [base, ...issue.path.map((segment) => escape(String(segment)))].join('/')
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        pointer: `${pointer}/${escape(key)}`,
        code: 'unknown-field',
        detail: `"${key}" is not a field here`,
      }))
    return [{ pointer, code: issue.code.replaceAll('_', '-'), detail: issue.message }]
  })
}

const escape = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1')

function describe(errors: readonly FieldError[]): string {
  const first = errors[0] as FieldError
  const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`
  return `${first.pointer}: ${first.detail}${more}`
}
