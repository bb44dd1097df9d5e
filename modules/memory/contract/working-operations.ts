import { operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { memoryProblems } from './problems.ts'
import { ttlMs, workingItem, workingKey, workingValue } from './records.ts'
import { planId } from './words.ts'

const read = { capability: 'memory:read', action: 'memory.read' } as const
const write = {
  capability: 'memory:write',
  action: 'memory.write',
  problems: [memoryProblems.scopeClosed, memoryProblems.quotaExceeded],
} as const

/** Working memory of a plan, shared by all who work in it, or the scratch of the user: `user` with the id `me`. */
const place = {
  scopeType: z.enum(['plan', 'user']),
  scopeId: z.union([planId, z.literal('me')]),
}
const isPlace = ({ scopeType, scopeId }: { scopeType: string; scopeId: string }): boolean =>
  (scopeType === 'user') === (scopeId === 'me')
const notAPlace = { path: ['scopeId'], message: 'must be the id of a plan for plan, and me for user' }
const places = z.strictObject(place).refine(isPlace, notAPlace)
const keyed = z.strictObject({ ...place, key: workingKey }).refine(isPlace, notAPlace)

const list = operation({
  method: 'GET',
  path: '/v1/memory/working/{scopeType}/{scopeId}',
  summary: 'The working items of a scope, by key.',
  ...read,
  params: places,
  query: z.strictObject({ ...pageQuery, prefix: workingKey.optional() }),
  output: pageOf(workingItem),
})

const get = operation({
  method: 'GET',
  path: '/v1/memory/working/{scopeType}/{scopeId}/{key}',
  summary: 'One working item.',
  ...read,
  params: keyed,
  output: workingItem,
})

const put = operation({
  method: 'PUT',
  path: '/v1/memory/working/{scopeType}/{scopeId}/{key}',
  summary:
    'Stores a value. With If-Match only over that version, "0" where nothing is; without it the last write wins.',
  ...write,
  params: keyed,
  ifMatch: 'optional',
  body: z.strictObject({ value: workingValue, ttlMs: ttlMs.optional(), keep: z.boolean().default(false) }),
  output: workingItem,
})

const remove = operation({
  method: 'DELETE',
  path: '/v1/memory/working/{scopeType}/{scopeId}/{key}',
  summary: 'Deletes a working item; with If-Match only that version.',
  ...write,
  params: keyed,
  ifMatch: 'optional',
})

const clear = operation({
  method: 'DELETE',
  path: '/v1/memory/working/{scopeType}/{scopeId}',
  summary: 'Deletes all working items of a scope.',
  ...write,
  params: places,
  output: z.strictObject({ deleted: z.number().int() }),
})

export const workingChange = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('increment'), by: z.number().default(1), ttlMs: ttlMs.optional() }),
  z.strictObject({
    op: z.literal('append'),
    value: workingValue,
    /** The oldest go first. */
    maxItems: z.number().int().min(1).max(100_000).optional(),
    ttlMs: ttlMs.optional(),
  }),
  /** JSON Merge Patch (RFC 7396). */
  z.strictObject({ op: z.literal('merge'), patch: workingValue, ttlMs: ttlMs.optional() }),
  /** From a list, every element that equals it. */
  z.strictObject({ op: z.literal('remove'), value: workingValue, ttlMs: ttlMs.optional() }),
])
export type WorkingChange = z.output<typeof workingChange>

const apply = operation({
  method: 'POST',
  path: '/v1/memory/working/{scopeType}/{scopeId}/{key}/apply',
  summary:
    'Changes a value in one step, however many do so at once: adds to a number or list, merges an object, removes from a list.',
  ...write,
  params: keyed,
  body: workingChange,
  output: workingItem,
})

export const workingOperations = { list, get, put, delete: remove, clear, apply } as const
