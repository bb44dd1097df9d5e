import type { Json, JsonObject } from '@soma/kernel'
import * as z from 'zod'

const MAX_DEPTH = 64
const NOT_STORABLE = /\0|\p{Surrogate}/u

/** Why a JSON value cannot be kept; undefined when it can. */
function faultOf(value: unknown, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep`
  if (typeof value === 'string')
    return NOT_STORABLE.test(value) ? 'holds a NUL or half a surrogate pair, which cannot be stored' : undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'holds a number that JSON has not'
  if (value === null || typeof value === 'boolean') return undefined
  if (typeof value !== 'object') return 'holds what JSON cannot'
  for (const [name, member] of Object.entries(value)) {
    const fault = faultOf(name, depth) ?? faultOf(member, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Any JSON of at most so many bytes and 64 levels; NUL and lone surrogates are refused. */
export const jsonOf = (maxBytes: number): z.ZodType<Json, Json> =>
  z.unknown().superRefine((value, context) => {
    const fault = value === undefined ? 'is missing' : (faultOf(value, 0) ?? largerThan(value, maxBytes))
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  }) as unknown as z.ZodType<Json, Json>

/** A JSON object under the same limits. */
export const jsonObjectOf = (maxBytes: number): z.ZodType<JsonObject, JsonObject> =>
  z.record(z.string(), z.unknown()).superRefine((value, context) => {
    const fault = faultOf(value, 0) ?? largerThan(value, maxBytes)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  }) as unknown as z.ZodType<JsonObject, JsonObject>

const largerThan = (value: unknown, maxBytes: number): string | undefined =>
  new TextEncoder().encode(JSON.stringify(value)).length > maxBytes ? `has more than ${maxBytes} bytes` : undefined
