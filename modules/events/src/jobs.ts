import type { Job } from '@soma/kernel'
import type { EventsPorts } from './ports.ts'

/** A repeated settle is recognised this long. Longer than any client retries an answer it did not get. */
const SETTLED_MS = 3_600_000
const SWEEP_MS = 300_000

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
      await options.busTransaction((session) =>
        session.execute(
          `delete from events.members m where m.seen_at < clock_timestamp() - interval '1 day'
             and not exists (select from events.delivery d where d.member = m.member_id)`,
        ),
      )
    },
  }
}
