import type { SqlSession } from '@soma/kernel'

export interface TargetRow {
  /** Sealed. */
  readonly secret: string
  readonly former_secret: string | null
  /** How long it still signs. */
  readonly former_ms: number
  readonly failing_since: Date | null
}

export const insertTarget = (session: SqlSession, row: { tenantId: string; subscriptionId: string; secret: string }) =>
  session.execute('insert into events.push_targets (tenant_id, subscription_id, secret) values ($1, $2, $3)', [
    row.tenantId,
    row.subscriptionId,
    row.secret,
  ])

export async function findTarget(session: SqlSession, subscriptionId: string): Promise<TargetRow | undefined> {
  const [row] = await session.query<TargetRow>(
    `select secret, former_secret, coalesce(extract(epoch from former_until - clock_timestamp()) * 1000, 0)::float8 as former_ms, failing_since
     from events.push_targets where subscription_id = $1`,
    [subscriptionId],
  )
  return row
}

/** The secret until now signs too for the overlap; one before it no more. */
export const replaceSecret = (
  session: SqlSession,
  subscriptionId: string,
  next: { secret: string; overlapMs: number },
) =>
  session.execute(
    `update events.push_targets set former_secret = secret, former_until = clock_timestamp() + $3::int8 * interval '1 millisecond', secret = $2
     where subscription_id = $1`,
    [subscriptionId, next.secret, next.overlapMs],
  )

/** Whether the target has failed for longer than `limitMs` without a success between. */
export async function recordFailure(session: SqlSession, subscriptionId: string, limitMs: number): Promise<boolean> {
  const [row] = await session.query<{ over: boolean }>(
    `update events.push_targets set failing_since = coalesce(failing_since, clock_timestamp()) where subscription_id = $1
     returning failing_since < clock_timestamp() - $2::int8 * interval '1 millisecond' as over`,
    [subscriptionId, limitMs],
  )
  return row?.over === true
}

export const clearFailures = (session: SqlSession, subscriptionId: string) =>
  session.execute('update events.push_targets set failing_since = null where subscription_id = $1', [subscriptionId])

/** Active pushed subscriptions that this process does not dispatch, those first that nobody dispatches; for the others when their lease ends. */
export const listPushed = (session: SqlSession, options: { own: readonly string[]; limit: number }) =>
  session.query<{ id: string; lapse_ms: number }>(
    `select s.id, coalesce(extract(epoch from l.lease_until - clock_timestamp()) * 1000, 0)::float8 as lapse_ms
     from events.subscriptions s left join runtime.job_leases l on l.name = 'dispatch/' || s.id and l.owner is not null
     where s.config ? 'push' and s.state = 'active' and s.id <> all ($1::uuid[])
     order by lapse_ms limit $2::int4`,
    [options.own, options.limit],
  )
