import { isProblem, type Json, withoutUndefined } from '@soma/kernel'
import type { WorkingChange, WorkingItem } from '@soma/memory/contract'
import type { Handling } from '../run/handling.ts'
import { absentAsUndefined } from './absent.ts'

export interface SetOptions {
  /** The item goes so long after it was written. Default: with its plan, or never. */
  readonly ttlMs?: number
}

/** Shared values by key: of a plan for all who work in it, else of the user. Each call is one step on the server; errors are thrown. Keys have at most 200 characters, values 256 KiB of JSON. */
export interface WorkingMemory {
  /** Undefined where nothing is. */
  get<Value extends Json = Json>(key: string): Promise<Value | undefined>
  /** With its version, writer and times. */
  entry(key: string): Promise<WorkingItem | undefined>
  has(key: string): Promise<boolean>
  /** The last write wins. Answers the version. @throws Problem `memory-scope-closed` once the plan has ended */
  set(key: string, value: Json, options?: SetOptions): Promise<number>
  /** Writes over that version alone; 0: only where nothing is. False: another wrote in between, or deleted it. */
  updateIf(key: string, version: number, value: Json, options?: SetOptions): Promise<boolean>
  /** Adds to a number, from 0; answers the sum. However many do so at once, each counts; a repeated handler counts once. */
  increment(key: string, by?: number): Promise<number>
  /** Adds to the end of a list, which is made where nothing is; beyond `maxItems` the oldest go. Answers the list. */
  append(key: string, value: Json, options?: { readonly maxItems?: number }): Promise<Json[]>
  /** Merges members into an object (RFC 7396: null deletes one). Answers the object. */
  merge(key: string, patch: Readonly<Record<string, Json>>): Promise<Json>
  /** Takes what equals the value out of a list. Answers the list. */
  remove(key: string, value: Json): Promise<Json[]>
  /** Deletes the item; nothing happens where none is. */
  delete(key: string): Promise<void>
  /** Keys in order, of those that begin so; at most 200. */
  keys(prefix?: string): Promise<string[]>
}

const MOST_KEYS = 200

/** The working memory of a plan; without one, the scratch of the event's user. */
export function createWorkingMemory({ clients, id }: Handling, planId: string | undefined): WorkingMemory {
  const { working } = clients.memory
  const place = planId === undefined ? ({ scopeType: 'user', scopeId: 'me' } as const) : planPlace(planId)
  const at = (key: string) => ({ ...place, key })
  const entry = (key: string) => absentAsUndefined(() => working.get({ params: at(key) }))
  const put = (key: string, value: Json, { ifMatch, ...options }: SetOptions & { ifMatch?: number }) =>
    working.put({
      params: at(key),
      body: { value, ...options },
      ...(ifMatch === undefined ? {} : { ifMatch }),
    })
  const change = async (key: string, body: WorkingChange): Promise<unknown> => {
    const idempotencyKey = id('idem', `memory.working.apply ${key}`)
    return (await working.apply({ params: at(key), body, idempotencyKey })).value
  }
  return {
    get: async <Value extends Json>(key: string) => (await entry(key))?.value as Value | undefined,
    entry,
    has: async (key) => (await entry(key)) !== undefined,
    set: async (key, value, options = {}) => (await put(key, value, options)).version,
    async updateIf(key, version, value, options = {}) {
      try {
        await put(key, value, { ...options, ifMatch: version })
        return true
      } catch (error) {
        if (isProblem(error) && error.code === 'version-conflict') return false
        throw error
      }
    },
    increment: async (key, by = 1) => (await change(key, { op: 'increment', by })) as number,
    append: async (key, value, { maxItems } = {}) =>
      (await change(key, { op: 'append', value, ...withoutUndefined({ maxItems }) })) as Json[],
    merge: async (key, patch) => (await change(key, { op: 'merge', patch })) as Json,
    remove: async (key, value) => (await change(key, { op: 'remove', value })) as Json[],
    delete: (key) => absentAsUndefined(() => working.delete({ params: at(key) })),
    async keys(prefix) {
      const query = { limit: MOST_KEYS, ...withoutUndefined({ prefix }) }
      return (await working.list({ params: place, query })).items.map(({ key }) => key)
    },
  }
}

const planPlace = (planId: string) => ({ scopeType: 'plan' as const, scopeId: planId })
