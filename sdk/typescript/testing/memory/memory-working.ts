import { canonicalJson, commonProblems, type Json } from '@soma/kernel'
import { memoryProblems, type Scope, type WorkingChange, type WorkingItem } from '@soma/memory/contract'
import type { Plan } from '@soma/plans/contract'
import type { MemoryClock } from './memory-clock.ts'
import { merge } from './memory-gates.ts'

export interface WorkingPlace {
  readonly scopeType: 'plan' | 'user'
  readonly scopeId: string
  readonly userId: string | undefined
}

export interface Write {
  readonly value: Json
  readonly ttlMs?: number | undefined
  readonly keep?: boolean
}

const MAX_EXPECTED = Number.MAX_SAFE_INTEGER

/** Working items of plans and users; those of a completed or cancelled plan are gone. */
export function createMemoryWorking(clock: MemoryClock, planOf: (planId: string) => Plan) {
  const scopes = new Map<string, Map<string, WorkingItem>>()
  const applied = new Map<string, WorkingItem>()
  const itemsOf = (place: WorkingPlace): Map<string, WorkingItem> => {
    const scopeKey = place.scopeType === 'plan' ? place.scopeId : `user ${place.userId}`
    if (place.scopeType === 'plan' && ['completed', 'cancelled'].includes(planOf(place.scopeId).status))
      scopes.delete(scopeKey)
    const items = scopes.get(scopeKey) ?? new Map<string, WorkingItem>()
    scopes.set(scopeKey, items)
    for (const [key, { expiresAt }] of items)
      if (expiresAt !== undefined && Date.parse(expiresAt) <= clock.nowMs()) items.delete(key)
    return items
  }
  const toWrite = (place: WorkingPlace): Map<string, WorkingItem> => {
    if (place.scopeType === 'plan') {
      const { status } = planOf(place.scopeId)
      if (['completed', 'cancelled', 'failed'].includes(status))
        throw memoryProblems.scopeClosed.create(`the plan ${place.scopeId} is ${status}`)
    }
    return itemsOf(place)
  }
  const assertVersion = (key: string, version: number, expected: number | undefined): void => {
    if (expected === undefined || expected === version) return
    throw commonProblems.versionConflict.create(`"${key}" has the version ${version}, not ${expected}`, { version })
  }
  const get = (place: WorkingPlace, key: string): WorkingItem => {
    const item = itemsOf(place).get(key)
    if (item === undefined) throw commonProblems.notFound.create(`no working item "${key}"`)
    return item
  }
  const put = (place: WorkingPlace, key: string, { value, ttlMs, keep = false }: Write, expected?: number) => {
    const items = toWrite(place)
    const version = items.get(key)?.version ?? 0
    assertVersion(key, version, expected)
    const item: WorkingItem = {
      ...{ scope: scopeOf(place), key, value, keep, version: version + 1, writer: 'test', updatedAt: clock.iso() },
      ...(ttlMs === undefined ? {} : { expiresAt: new Date(clock.nowMs() + ttlMs).toISOString() }),
    }
    items.set(key, item)
    return item
  }
  return {
    get,
    put,
    list: (place: WorkingPlace, { prefix = '', limit }: { prefix?: string; limit: number }) =>
      [...itemsOf(place).values()]
        .filter(({ key }) => key.startsWith(prefix))
        .toSorted((left, right) => (left.key < right.key ? -1 : 1))
        .slice(0, limit),
    delete(place: WorkingPlace, key: string, expected: number | undefined): void {
      const items = toWrite(place)
      if (expected === undefined) get(place, key)
      assertVersion(key, items.get(key)?.version ?? (expected === undefined ? 0 : MAX_EXPECTED), expected)
      items.delete(key)
    },
    clear(place: WorkingPlace) {
      const items = toWrite(place)
      const deleted = items.size
      items.clear()
      return { deleted }
    },
    apply(place: WorkingPlace, key: string, change: WorkingChange, idempotencyKey: string | undefined): WorkingItem {
      const known = idempotencyKey === undefined ? undefined : applied.get(idempotencyKey)
      if (known !== undefined) return known
      const before = toWrite(place).get(key)
      const value = changed(before?.value as Json | undefined, change)
      const item = put(place, key, { value, ttlMs: change.ttlMs, keep: before?.keep ?? false })
      if (idempotencyKey !== undefined) applied.set(idempotencyKey, item)
      return item
    },
  }
}

export type MemoryWorking = ReturnType<typeof createMemoryWorking>

const scopeOf = ({ scopeType, scopeId }: WorkingPlace): Scope =>
  scopeType === 'plan' ? { type: 'plan', id: scopeId } : { type: 'user' }

function changed(before: Json | undefined, change: WorkingChange): Json {
  switch (change.op) {
    case 'increment':
      if (before !== undefined && typeof before !== 'number') throw unfit('a number')
      return (before ?? 0) + change.by
    case 'append': {
      const list = [...listOf(before), change.value]
      return change.maxItems === undefined ? list : list.slice(-change.maxItems)
    }
    case 'merge':
      return merge(before, change.patch) as Json
    case 'remove':
      return listOf(before).filter((element) => canonicalJson(element) !== canonicalJson(change.value))
  }
}

function listOf(before: Json | undefined): Json[] {
  if (before !== undefined && !Array.isArray(before)) throw unfit('a list')
  return (before ?? []) as Json[]
}

const unfit = (type: string) => commonProblems.conflict.create(`the value is not ${type}`)
