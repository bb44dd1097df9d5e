import type { Database } from '@soma/kernel'

/**
 * As if the time had passed: everything that the database dates is older by it. Leases are renewed while time goes on, so they stay. What a process has in memory stays as
 * it is.
 */
export async function letTimePass(database: Database, ms: number): Promise<void> {
  for (;;) {
    try {
      await passOnce(database, ms)
      return
    } catch (error) {
      // It takes every table while the processes work on them; where it is the victim of a deadlock, no time has passed.
      if ((error as { code?: string }).code !== DEADLOCK) throw error
    }
  }
}

/** SQLSTATE `deadlock_detected`. */
const DEADLOCK = '40P01'

async function passOnce(database: Database, ms: number): Promise<void> {
  await database.asOwner(async (session) => {
    const columns = await session.query<{ place: string; sets: string; is_forced: boolean }>(
      `select format('%I.%I', c.table_schema, c.table_name) as place, t.relforcerowsecurity as is_forced,
              string_agg(format('%1$I = %1$I - $1 * interval ''1 millisecond''', c.column_name), ', ') as sets
         from information_schema.columns c
         join pg_class t on t.oid = format('%I.%I', c.table_schema, c.table_name)::regclass and t.relkind in ('r', 'p') and not t.relispartition
        where c.table_schema in ('events', 'runtime') and c.data_type = 'timestamp with time zone' and c.column_name not like 'lease%'
        group by 1, 2`,
    )
    for (const { place, sets, is_forced: isForced } of columns) {
      if (isForced) await session.execute(`alter table ${place} no force row level security`)
      await session.query(`update ${place} set ${sets}`, [ms])
      if (isForced) await session.execute(`alter table ${place} force row level security`)
    }
  })
}
