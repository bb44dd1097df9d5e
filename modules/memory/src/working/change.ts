import { canonicalJson, commonProblems, type Json, type JsonObject } from '@soma/kernel'
import type { WorkingChange } from '../../contract/index.ts'

/** The value after a change; `undefined` before it where nothing was. @throws conflict when the value is of another type */
export function changedValue(before: Json | undefined, change: WorkingChange): Json {
  switch (change.op) {
    case 'increment':
      return incremented(before, change.by)
    case 'append': {
      const list = [...listOf(before), change.value]
      return change.maxItems === undefined ? list : list.slice(-change.maxItems)
    }
    case 'merge':
      return mergePatch(before, change.patch)
    case 'remove': {
      const unwanted = canonicalJson(change.value)
      return listOf(before).filter((element) => canonicalJson(element) !== unwanted)
    }
  }
}

function incremented(before: Json | undefined, by: number): number {
  if (before !== undefined && typeof before !== 'number') throw unfit('increment', 'a number')
  const sum = (before ?? 0) + by
  if (!Number.isFinite(sum)) throw commonProblems.conflict.create('the sum is larger than any number of JSON')
  return sum
}

function listOf(before: Json | undefined): readonly Json[] {
  if (before === undefined) return []
  if (!Array.isArray(before)) throw unfit('append and remove', 'a list')
  return before as readonly Json[]
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396: null deletes a member, an object is merged, anything else replaces. */
function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const merged = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [name, member] of Object.entries(patch)) {
    if (member === null) merged.delete(name)
    else merged.set(name, mergePatch(merged.get(name), member))
  }
  return Object.fromEntries(merged)
}

const unfit = (op: string, type: string) =>
  commonProblems.conflict.create(`the value is not ${type}, which ${op} needs`)
