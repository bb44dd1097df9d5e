import type { Job, Logger, SqlSession } from '@soma/kernel'
import type { ErasedSubject, ErasureNotices, EventsPorts } from '../ports.ts'
import { dueErasures, endErasure } from './requests.ts'
import { deleteSlice, emptySlice, isLastSlice, TENANT_TABLES } from './tenant-rows.ts'
import { erasePage, inDeliveries, inLog, inOutbox, type TextSource } from './user-texts.ts'

const LOOK_EVERY_MS = 10_000

export interface ErasureOptions extends Pick<EventsPorts, 'busTransaction'> {
  readonly erasures: ErasureNotices
  /** Where the log is, and whether data is sealed there. */
  readonly settings: { readonly bus: string; readonly brokerEncryption: boolean }
  readonly log: Logger
}

/** What the row of an erasure says in the end. */
export interface ErasureReport {
  /** By table: how many rows went or changed. */
  readonly rows: Readonly<Record<string, number>>
  /** What became of the copies on a bus outside the database. */
  readonly bus: 'none' | 'unreadable' | 'until retention'
}

/**
 * Carries out what is due: the keys first, so that nothing can be read from the bus from then on, then row by row in slices. It changes nothing that is erased, so after a
 * crash it begins again.
 */
export function createErasureJob(options: ErasureOptions): Job {
  return {
    name: 'erase',
    everyMs: LOOK_EVERY_MS,
    run: async (signal) => {
      const { busTransaction, erasures, log } = options
      for (const subject of await busTransaction(dueErasures)) {
        if (signal.aborted) return
        const report = await erase(subject, options)
        await busTransaction((session) => endErasure(session, subject, report))
        await erasures.announce()
        log.info('events were erased', { of: subject.userId === '' ? 'tenant' : 'user', ...report })
      }
    },
  }
}

async function erase(subject: ErasedSubject, options: ErasureOptions): Promise<ErasureReport> {
  const { bus, brokerEncryption } = options.settings
  const keys = await options.busTransaction((session) => destroyKeys(session, subject))
  const rows = subject.userId === '' ? await eraseTenant(subject, options) : await eraseUser(subject, options)
  return {
    rows: { 'events.sealing_keys': keys, ...rows },
    bus: bus === 'postgres' ? 'none' : brokerEncryption ? 'unreadable' : 'until retention',
  }
}

const destroyKeys = (session: SqlSession, { tenantId, userId }: ErasedSubject): Promise<number> =>
  session.execute(
    `update events.sealing_keys set sealed = null, destroyed_at = clock_timestamp()
      where tenant_id = $1 and (user_id = $2 or $2 = '') and sealed is not null`,
    [tenantId, userId],
  )

async function eraseTenant(
  { tenantId }: ErasedSubject,
  { busTransaction }: ErasureOptions,
): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const table of TENANT_TABLES)
    rows[table] = await inSlices(() => busTransaction((session) => deleteSlice(session, table, tenantId)))
  rows['events.log'] = await inSlices(() => busTransaction((session) => emptySlice(session, tenantId)))
  return rows
}

async function inSlices(slice: () => Promise<number>): Promise<number> {
  let total = 0
  for (;;) {
    const count = await slice()
    total += count
    if (isLastSlice(count)) return total
  }
}

/** The outbox before the log: what leaves the one meanwhile is found in the other. */
async function eraseUser(subject: ErasedSubject, { busTransaction }: ErasureOptions): Promise<Record<string, number>> {
  const through = async (source: TextSource) => {
    let total = 0
    for (let after: string | number | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
      const page = await busTransaction((session) => erasePage(session, source, after))
      total += page.changed
      after = page.next
    }
    return total
  }
  const rows: Record<string, number> = { 'events.outbox': await through(inOutbox(subject)) }
  const places = await busTransaction((session) =>
    session.query<{ topic: string; part: number }>('select topic, part from events.partition'),
  )
  rows['events.log'] = 0
  for (const { topic, part } of places) rows['events.log'] += await through(inLog(subject, topic, part))
  for (const table of ['events.delivery', 'events.dead_letter'] as const)
    rows[table] = await through(inDeliveries(subject, table))
  rows['runtime.idempotency'] = await busTransaction((session) => deleteAnswers(session, subject))
  return rows
}

/** Answers to repeated requests of the user hold what was asked and found. */
const deleteAnswers = (session: SqlSession, { tenantId, userId }: ErasedSubject): Promise<number> =>
  session.execute('delete from runtime.idempotency where tenant_id = $1 and principal_id = $2', [tenantId, userId])
