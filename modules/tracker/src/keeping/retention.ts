import type { SqlSession } from '@soma/kernel'

export interface Retention {
  /** Days after its end that a plan is kept with its tasks. */
  readonly plansRetentionDays: number
  readonly timelineRetentionDays: number
}

/** Rows that one statement removes at most. */
const SLICE = 5000

/** Removes what is older than it is kept for. The log plays no part: what it has dropped stays here as long as this says (TRK-R6). */
export async function removeOld(tx: SqlSession, retention: Retention, now: Date): Promise<void> {
  await inSlices((limit) =>
    tx.execute(
      `delete from tracker.timeline where event_id in (select e.event_id from tracker.timeline e where e.at < $1::timestamptz - $2 * interval '1 day' limit ${limit})`,
      [now, retention.timelineRetentionDays],
    ),
  )
  await inSlices(async () => {
    const plans = await tx.query<{ id: string }>(
      `select p.id from tracker.plans p where p.ended_at < $1::timestamptz - $2 * interval '1 day' order by p.ended_at limit ${SLICE}`,
      [now, retention.plansRetentionDays],
    )
    const ids = plans.map(({ id }) => id)
    for (const table of ['tasks', 'correlations', 'gates', 'timeline'])
      await tx.execute(`delete from tracker.${table} where plan_id = any($1::uuid[])`, [ids])
    return tx.execute('delete from tracker.plans where id = any($1::uuid[])', [ids])
  })
}

async function inSlices(remove: (limit: number) => Promise<number>): Promise<void> {
  while ((await remove(SLICE)) >= SLICE);
}
