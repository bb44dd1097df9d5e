import { type Database, type Delivered, type EventBus, type EventHandler, onTopic } from '@soma/kernel'
import type { EventSpine } from './event-spine.ts'

export interface ConsumerSuiteOptions {
  readonly name: string
  /** Opens an empty database. */
  open(): Promise<Database>
  /** Opens an empty log outside the database. Absent: the log in the database. */
  readonly openBus?: (partitions: number) => Promise<EventBus>
}

/** Times that make a test short. */
export const FAST = { backoff: { baseMs: 5, factor: 1, maxMs: 5 }, commitEveryMs: 5 }

let made = 0

/** A tenant and a group of a test's own, and what the database holds of them. */
export function aGroup(spine: EventSpine) {
  made += 1
  const tenant = `tenant-${made}`
  const group = `module:test-${made}`
  const rows = <Row>(sql: string) => spine.asBus((session) => session.query<Row>(sql, [group]))
  return {
    tenant,
    group,
    /** Handles the business facts of this tenant alone. */
    mine: (handle: (delivered: Delivered) => Promise<void>): EventHandler =>
      onTopic('business-facts', '*', async (delivered) => {
        if (delivered.event.tenantid === tenant) await handle(delivered)
      }),
    effects: async () => (await spine.effects()).filter((row) => row.tenant_id === tenant),
    deliveries: () =>
      rows<{ pos: number; attempt: number; key: string }>(
        'select pos, attempt, key from events.delivery where grp = $1 order by pos',
      ),
    cursors: () =>
      rows<{ part: number; pos: number; owner: string | null }>(
        'select part, pos, owner from events.cursor where grp = $1 order by part',
      ),
    deadLetters: () =>
      rows<Record<string, unknown> & { problem: { code: string; detail: string } }>(
        'select * from events.dead_letter where grp = $1',
      ),
  }
}
