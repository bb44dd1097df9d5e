import type { Clock, Job } from '@soma/kernel'
import { subscriptionDeleted } from '../contract/facts.ts'
import type { EventsPorts } from './ports.ts'
import { groupOf, toSubscription } from './subscriptions/config.ts'
import { deleteGroup, deleteIdleSubscriptions, deleteMembers, listForgotten } from './subscriptions/store.ts'
import { factEnvelope } from './writer/fact-envelope.ts'

/** A repeated settle is recognised this long. Longer than any client retries an answer it did not get. */
const SETTLED_MS = 3_600_000
const SWEEP_MS = 300_000
const IDLE_SWEEP_MS = 30_000

/** Forgets what is remembered for a time only: event ids after the dedupe window, settled deliveries behind their cursor, members. */
export function createSweep(options: Pick<EventsPorts, 'busTransaction'> & { dedupeMs: number }): Job {
  return {
    name: 'forget',
    everyMs: SWEEP_MS,
    run: async () => {
      await options.busTransaction((session) =>
        session.execute(
          `delete from events.seen where recorded_at < clock_timestamp() - $1::int8 * interval '1 millisecond'`,
          [options.dedupeMs],
        ),
      )
      await options.busTransaction((session) =>
        session.execute(
          `delete from events.settled s using events.cursor c where c.grp = s.grp and c.topic = s.topic and c.part = s.part and s.pos <= c.pos
             and s.settled_at < clock_timestamp() - $1::int8 * interval '1 millisecond'`,
          [SETTLED_MS],
        ),
      )
      await options.busTransaction(async (session) => {
        for (const group of await listForgotten(session)) await deleteGroup(session, group)
      })
      await options.busTransaction((session) =>
        session.execute(`delete from events.usage where day < current_date - 2`),
      )
      await options.busTransaction((session) =>
        session.execute(
          `delete from events.members m where m.seen_at < clock_timestamp() - interval '1 day'
             and not exists (select from events.delivery d where d.member = m.member_id)`,
        ),
      )
    },
  }
}

/** Removes subscriptions that had no member for longer than their `idleTtlMs`. */
export function createIdleRemoval({
  busTransaction,
  recorder,
  clock,
}: Pick<EventsPorts, 'busTransaction' | 'recorder'> & { clock: Clock }): Job {
  return {
    name: 'remove-idle-subscriptions',
    everyMs: IDLE_SWEEP_MS,
    run: async () => {
      const facts = await busTransaction(async (session) => {
        const rows = await deleteIdleSubscriptions(session)
        for (const row of rows) {
          await deleteGroup(session, groupOf(row.id))
          await deleteMembers(session, row.id)
        }
        const envelopes = rows.map((row) => {
          const { id, name, topics, types, state } = toSubscription(row)
          const data = { subscriptionId: id, name, topics, types, state, reason: 'no member for longer than idleTtlMs' }
          return factEnvelope(subscriptionDeleted, data, {
            about: { tenantId: row.tenant_id },
            now: clock.now(),
            key: id,
          })
        })
        if (envelopes.length > 0) await recorder.write(session, envelopes)
        return envelopes
      })
      if (facts.length > 0) recorder.committed(facts)
    },
  }
}
