import {
  type Context,
  commonProblems,
  envelopeInvalid,
  type EventEnvelope,
  type Metrics,
  type ModuleDatabase,
  toId,
  uuidOf,
} from '@soma/kernel'
import { deadLetterReplayed } from '../../contract/facts.ts'
import { dispatchOf, wireGroup } from '../subscriptions/config.ts'
import * as store from './store.ts'

export interface ReplayOptions {
  readonly database: ModuleDatabase
  readonly metrics: Metrics
  /** Refuses data that a publish would refuse. */
  readonly checkEdited: (context: Context, event: EventEnvelope) => Promise<void>
  /** After the commit, for a subscription: tells its dispatcher, in whatever process. */
  readonly rowsChanged: (subscriptionId: string, deliveryIds: readonly string[]) => Promise<void>
  /** After the commit, for a module group: tells its owners, in whatever process. */
  readonly wakeModuleGroup: (group: string) => Promise<void>
}

/** Who replays, and why. */
export interface Act {
  readonly resolution: NonNullable<store.DeadLetterRow['resolution']>
}

/**
 * Puts an open dead letter before its own group again, as a new delivery with the same id (EVT-R39). Edited data makes it a new event that the old one caused.
 * @throws conflict when it is not open, or holds no event
 */
export async function replayOne(
  context: Context,
  deliveryId: string,
  wanted: Act & { data: EventEnvelope['data']; newEventId: () => string; dryRun: boolean },
  options: ReplayOptions,
): Promise<store.DeadLetterRow> {
  const current = await find(context, deliveryId, options)
  if (current.state !== 'open') throw notOpen(current)
  const event = deliverable(current)
  if (event === undefined) throw commonProblems.conflict.create(`${deliveryId} holds no event that could be delivered`)
  const next = wanted.data === undefined ? event : edited(event, wanted.data, wanted.newEventId())
  if (next !== event) await options.checkEdited(context, next)
  if (wanted.dryRun) return current
  const row = await reviveOpen(context, { row: current, event: next, delayMs: 0, ...wanted }, options)
  if (row === undefined) throw notOpen(await find(context, deliveryId, options))
  await wake([row], options)
  return row
}

/** Oldest first, `everyMs` apart, so that the order inside a key is kept. Answers how many; one that another person resolved meanwhile is passed over. */
export async function replayAll(
  context: Context,
  rows: readonly store.DeadLetterRow[],
  act: Act & { everyMs: number },
  options: ReplayOptions,
): Promise<number> {
  const replayed: store.DeadLetterRow[] = []
  for (const row of rows.toSorted((a, b) => a.dead_at.getTime() - b.dead_at.getTime())) {
    const event = deliverable(row)
    const delayMs = Math.round(replayed.length * act.everyMs)
    const done = event === undefined ? undefined : await reviveOpen(context, { row, event, delayMs, ...act }, options)
    if (done !== undefined) replayed.push(done)
  }
  await wake(replayed, options)
  return replayed.length
}

async function wake(rows: readonly store.DeadLetterRow[], options: ReplayOptions): Promise<void> {
  options.metrics.count('soma_events_replayed_total', {}, rows.length)
  for (const group of new Set(rows.map(({ grp }) => grp))) {
    const own = rows.filter(({ grp }) => grp === group)
    if (own.every(isOfModule)) await options.wakeModuleGroup(group)
    else
      await options.rowsChanged(
        dispatchOf(group),
        own.map(({ delivery_id }) => delivery_id),
      )
  }
}

async function reviveOpen(
  context: Context,
  { row, event, resolution, delayMs }: Act & { row: store.DeadLetterRow; event: EventEnvelope; delayMs: number },
  { database }: ReplayOptions,
): Promise<store.DeadLetterRow | undefined> {
  const again = { envelope: JSON.stringify(event), delayMs }
  const deliveryId = toId('dlv', row.delivery_id)
  return database.transaction(context, async (tx) => {
    const open = await store.resolveDeadLetter(tx, row.delivery_id, { state: 'replaying', resolution })
    if (open === undefined) return undefined
    await store.reviveDelivery(tx, open, again)
    const { note, byId } = resolution
    tx.emit(
      deadLetterReplayed,
      { deliveryId, group: wireGroup(open.grp), eventId: event.id, note, byId },
      { partitionKey: deliveryId },
    )
    return open
  })
}

async function find(context: Context, deliveryId: string, { database }: ReplayOptions) {
  const row = await database.transaction(context, (tx) => store.findDeadLetter(tx, uuidOf('dlv', deliveryId)))
  if (row === undefined) throw commonProblems.notFound.create(`no dead letter ${deliveryId}`)
  return row
}

export const notOpen = ({ state }: Pick<store.DeadLetterRow, 'state'>) =>
  commonProblems.conflict.create(`the dead letter is ${state}; only open ones are replayed or discarded`)

export const isOfModule = ({ grp }: store.DeadLetterRow): boolean => grp.startsWith('module:')

/** Undefined where what died is no event: what another program wrote, or a place that the log had lost. */
const deliverable = (row: store.DeadLetterRow): EventEnvelope | undefined =>
  row.problem.code === envelopeInvalid.code ? undefined : eventOf(row)

/** What is shown; undefined where nothing was kept. */
export function eventOf({ envelope }: Pick<store.DeadLetterRow, 'envelope'>): EventEnvelope | undefined {
  try {
    const event = JSON.parse(envelope) as Partial<EventEnvelope> | null
    return typeof event?.id === 'string' && typeof event.type === 'string' ? (event as EventEnvelope) : undefined
  } catch {
    return undefined
  }
}

function edited(event: EventEnvelope, data: EventEnvelope['data'], id: string): EventEnvelope {
  const { data_base64: _bytes, ...rest } = event
  return { ...rest, id, causationid: event.id, datacontenttype: 'application/json', data }
}
