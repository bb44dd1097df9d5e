import type { Json } from '@soma/kernel'
import * as z from 'zod'

/** Any JSON value; refuses what JSON cannot hold. */
export const jsonValue: z.ZodType<Json, Json> = z.json() as unknown as z.ZodType<Json, Json>

/** The stored part of a problem: in results, failed tasks and plans. */
export const problemValue = z.strictObject({
  code: z.string().max(100),
  detail: z.string().max(2000),
  status: z.number().int().optional(),
  retryable: z.boolean().optional(),
  remedy: z.string().max(2000).optional(),
  errors: jsonValue.optional(),
})
export type ProblemValue = z.output<typeof problemValue>

export const eventType = z
  .string()
  .max(200)
  .regex(/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$/, 'must be an event type such as research.requested')

/** A task's stable name in its plan: `draft`, `check[3].fetch`. */
export const taskKey = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:[\]/-]*$/,
    'must begin with a letter or digit and hold letters, digits and . _ : [ ] / - alone',
  )
