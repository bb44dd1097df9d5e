import { changeRecorded } from '@soma/governance/contract'
import { type Context, canonicalJson, pointerTo, type Transaction } from '@soma/kernel'
import type * as z from 'zod'
import { isObject, ownMember } from '../contract/compatibility/schema-node.ts'

export interface Change {
  readonly action: string
  readonly resource: { readonly type: 'event-definition' | 'schema' | 'agent'; readonly id: string }
  readonly reason?: string
  /** Absent: there was nothing before. */
  readonly before?: object | undefined
  readonly after: object
}

type Difference = z.output<(typeof changeRecorded)['data']>['diff'][number]

/** A change of more members is told by its first ones and their number: versions never change, so the rest can be read. */
const MAXIMUM_MEMBERS = 100

/** Writes what the audit keeps of a change, in the change's own transaction. */
export function recordChange(tx: Transaction, { principal, userId }: Context, change: Change): void {
  const { action, resource, reason, before = {}, after } = change
  const onBehalfOf = userId === undefined || userId === principal.id ? {} : { onBehalfOf: userId }
  const differences = [...differencesOf(before, after, [])]
  const diff = differences.slice(0, MAXIMUM_MEMBERS)
  const more = differences.length - diff.length
  if (more > 0) diff.push({ member: '…', after: `${more} further members` })
  const fact = {
    ...{ action, resource, outcome: 'success' as const, diff },
    actor: { type: principal.kind, id: principal.id, ...onBehalfOf },
    ...(reason === undefined ? {} : { reason }),
  }
  tx.emit(changeRecorded, fact, { partitionKey: resource.id })
}

/** Of some versions the highest below one. */
export const nextBelow = <Row extends { readonly version_order: string }>(
  row: Row,
  rows: readonly Row[],
  isSame: (other: Row) => boolean,
): Row | undefined =>
  rows
    .filter((other) => isSame(other) && other.version_order < row.version_order)
    .toSorted((left, right) => (left.version_order < right.version_order ? 1 : -1))[0]

/** The members that differ, by JSON Pointer; of objects that both sides have, those inside. */
function* differencesOf(before: unknown, after: unknown, steps: readonly string[]): Generator<Difference> {
  if (isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* differencesOf(ownMember(before, name), ownMember(after, name), [...steps, name])
    return
  }
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return
  yield { member: pointerTo(steps), ...side('before', before), ...side('after', after) }
}

const side = (name: 'before' | 'after', value: unknown): Partial<Difference> =>
  value === undefined || value === null ? {} : { [name]: value as Difference['before'] }
