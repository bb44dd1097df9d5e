import type { Json, JsonObject } from '@soma/kernel'
import * as z from 'zod'

const fits = (maxBytes: number) => (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value)).length <= maxBytes
const tooLarge = (maxBytes: number): string => `must have at most ${maxBytes} bytes of JSON`

/** Any JSON of at most so many bytes. */
export const jsonOf = (maxBytes: number): z.ZodType<Json, Json> =>
  z.json().refine(fits(maxBytes), tooLarge(maxBytes)) as unknown as z.ZodType<Json, Json>

/** A JSON object of at most so many bytes. */
export const jsonObjectOf = (maxBytes: number): z.ZodType<JsonObject, JsonObject> =>
  z.record(z.string(), z.json()).refine(fits(maxBytes), tooLarge(maxBytes)) as unknown as z.ZodType<
    JsonObject,
    JsonObject
  >
