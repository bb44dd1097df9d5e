import { block, waitAgain } from './failing.ts'
import { type Group, nowMs } from './group.ts'
import type { HeldEvent } from './held-event.ts'
import { type DeliveryRow, replayIdOf, restoreRow } from './load.ts'
import { finish, promote } from './promoting.ts'

/** A lease that is older is looked up when leases are renewed: what another process wrote to its row was perhaps not heard. */
const UNHEARD_MS = 3000

/** Rows that are read for a group of this dispatcher. */
export type RowsOf = (group: Group, deliveryIds: readonly string[]) => Promise<readonly DeliveryRow[]>

/** Takes in what was done to rows of deliveries elsewhere: settled, extended, failed, replayed, discarded. The database is right. What comes during a look shares the next. */
export function createSync(group: Group, rowsOf: RowsOf): Group['sync'] {
  const wanted = new Set<string>()
  let isLooking = false
  const look = async () => {
    while (wanted.size > 0 && !group.isClosed) {
      const ids = [...wanted]
      wanted.clear()
      await syncRows(group, ids, rowsOf)
    }
  }
  return (deliveryIds) => {
    for (const id of deliveryIds) wanted.add(id)
    if (isLooking || wanted.size === 0) return
    isLooking = true
    look()
      .catch((error: unknown) => {
        group.dependencies.log.warn('deliveries cannot be looked up', { subscription: group.config.id, error })
      })
      .finally(() => {
        isLooking = false
      })
  }
}

async function syncRows(group: Group, deliveryIds: readonly string[], rowsOf: RowsOf): Promise<void> {
  const before = new Map(deliveryIds.map((id) => [id, stampOf(find(group, id))]))
  const rows = new Map((await rowsOf(group, deliveryIds)).map((row) => [row.delivery_id, row]))
  for (const id of deliveryIds) {
    const held = find(group, id)
    // What this process did to it meanwhile is newer than the row.
    if (group.isClosed || stampOf(held) !== before.get(id)) continue
    await take(group, held, rows.get(id))
  }
  group.assign()
}

/** Deliveries whose row might have changed unheard. */
export function unheard(group: Group): string[] {
  const now = nowMs(group)
  return [...group.leased.values()]
    .filter(({ leasedAtMs, leaseUntilMs }) => now - leasedAtMs > UNHEARD_MS && Number.isFinite(leaseUntilMs))
    .map(({ deliveryId }) => deliveryId)
}

const find = (group: Group, deliveryId: string): HeldEvent | undefined =>
  group.leased.get(deliveryId) ?? [...group.rows.values()].find((held) => held.deliveryId === deliveryId)

const stampOf = (held: HeldEvent | undefined): string =>
  held === undefined ? '' : `${held.state} ${held.attempt} ${held.isSettling} ${held.leaseUntilMs}`

async function take(group: Group, held: HeldEvent | undefined, row: DeliveryRow | undefined): Promise<void> {
  if (held === undefined) {
    if (row !== undefined && row.replay_id !== null) comeBack(group, row)
  } else if (held.isSettling) return
  else if (held.state === 'leased') await takeLeased(group, held, row)
  else if (held.state === 'blocked') takeBlocked(group, held, row)
}

function comeBack(group: Group, row: DeliveryRow): void {
  const held = restoreRow(group, row)
  if (group.queues.headOf(held.orderKey) === held) promote(group, held, { isFirst: true })
}

async function takeLeased(group: Group, held: HeldEvent, row: DeliveryRow | undefined): Promise<void> {
  if (row === undefined) return finish(group, held)
  if (row.member !== null) {
    if (row.member === held.member?.id && row.attempt === held.attempt && row.lease_ms !== null)
      held.leaseUntilMs = nowMs(group) + row.lease_ms
  } else if (row.due_ms === null) await block(group, held)
  else await waitAgain(group, held, { attempt: row.attempt, delayMs: row.due_ms })
}

function takeBlocked(group: Group, held: HeldEvent, row: DeliveryRow | undefined): void {
  if (row === undefined) return finish(group, held)
  if (row.due_ms === null || row.envelope === null) return
  held.attempt = 0
  held.replayId = replayIdOf(row)
  held.envelope = row.envelope
  held.dueAtMs = nowMs(group) + row.due_ms
  if (held.record !== undefined) group.inMemory -= 1
  held.record = undefined
  promote(group, held, { isFirst: true })
}
