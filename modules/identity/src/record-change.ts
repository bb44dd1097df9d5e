import type { Context, Json, Transaction } from '@soma/kernel'
import { changeRecorded } from '@soma/governance/contract'

export interface Change {
  readonly action: string
  readonly resource: { readonly type: string; readonly id: string }
  readonly reason?: string | undefined
  readonly before?: Readonly<Record<string, unknown>>
  readonly after?: Readonly<Record<string, unknown>>
}

/** Members whose values never stand in a record; that they changed does. */
const MASKED = new Set(['email', 'secret', 'secretHash'])

/** Writes the audit fact of a change in the change's own transaction. `by` is who asked for it. */
export function recordChange(tx: Transaction, by: Context, change: Change): void {
  const { principal, userId } = by
  tx.emit(
    changeRecorded,
    {
      action: change.action,
      actor: {
        type: principal.kind,
        id: principal.id,
        ...(userId === undefined || userId === principal.id ? {} : { onBehalfOf: userId }),
      },
      resource: { ...change.resource },
      outcome: 'success',
      ...(change.reason === undefined || change.reason === '' ? {} : { reason: change.reason }),
      diff: diffOf(change.before ?? {}, change.after ?? {}),
    },
    { partitionKey: change.resource.id },
  )
}

function diffOf(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>) {
  const members = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return members
    .filter((member) => JSON.stringify(before[member]) !== JSON.stringify(after[member]))
    .map((member) => ({ member, ...side('before', member, before[member]), ...side('after', member, after[member]) }))
}

const side = (name: 'before' | 'after', member: string, value: unknown): Record<string, Json> =>
  value === undefined ? {} : { [name]: MASKED.has(member) && value !== null ? '***' : (value as Json) }
