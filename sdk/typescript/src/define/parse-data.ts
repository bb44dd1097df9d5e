import type { FieldError } from '@soma/kernel'
import { sdkProblems } from '../sdk-problems.ts'
import type { AnyEvent } from './event.ts'
import { pointerOf, type StandardResult } from './standard-schema.ts'

/** Parses data by the event's schema. @throws Problem `data-mismatch` with one entry a field; TypeError for a schema that can only parse asynchronously. */
export function parseData(event: AnyEvent, data: unknown): unknown {
  const result = event.data['~standard'].validate(data)
  if (result instanceof Promise)
    throw new TypeError(`the schema of "${event.type}" parses asynchronously; use a synchronous one`)
  return unwrap(event, result)
}

function unwrap(event: AnyEvent, result: StandardResult<unknown>): unknown {
  if (result.issues === undefined) return result.value
  const errors: FieldError[] = result.issues.map((issue) => ({
    pointer: `/data${pointerOf(issue)}`,
    code: 'invalid',
    detail: issue.message,
  }))
  const [first] = errors
  throw sdkProblems.dataMismatch.create(`${event.type}: ${first?.pointer}: ${first?.detail}`, { errors })
}
