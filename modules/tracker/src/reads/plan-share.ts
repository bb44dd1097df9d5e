import type { SqlSession } from '@soma/kernel'
import { OF_SEEN_PLAN } from './store.ts'

/** What progress and estimates are reckoned with. */
export interface Reckoning {
  readonly etaMinSamples: number
  /** Days. */
  readonly etaWindow: number
  readonly now: Date
}

/** Tasks of one type in one plan. */
export interface Kind {
  readonly planId: string
  /** Empty where it is not known. */
  readonly type: string
  total: number
  ended: number
}

/** Newest past tasks of a type that its expected duration is the median of. */
const MOST_SAMPLES = 20
/** A task that has begun and has not ended is done to so much at most, unless it says otherwise. */
const MOST_BY_TIME = 0.9

export const TYPE_OF_TASK = `coalesce(t.doc ->> 'type', t.doc ->> 'capability', '')`

/**
 * How much of each plan is done, 0 to 1: its tasks weigh what such tasks took before the hour in which the plan began, so that what is learned meanwhile moves nothing; a type of which too little is
 * known weighs as much as the others on average. It falls only when tasks are added or opened again (TRK-R9).
 */
export async function sharesDone(
  tx: SqlSession,
  kinds: readonly Kind[],
  reckoning: Reckoning,
): Promise<Map<string, number>> {
  const expected = await readExpected(tx, kinds, reckoning)
  const partly = await readPartlyDone(tx, { kinds, expected, now: reckoning.now })
  const plans = new Map<string, Kind[]>()
  for (const kind of kinds) plans.set(kind.planId, [...(plans.get(kind.planId) ?? []), kind])
  return new Map([...plans].map(([planId, own]) => [planId, shareOf(own, expected, partly)]))
}

type OfKind = ReadonlyMap<string, number>
const keyOf = (kind: Pick<Kind, 'planId' | 'type'>): string => `${kind.planId} ${kind.type}`

function shareOf(kinds: readonly Kind[], expected: OfKind, partly: OfKind): number {
  const known = kinds.filter((kind) => expected.has(keyOf(kind)))
  const count = known.reduce((sum, { total }) => sum + total, 0)
  const mean =
    count === 0 ? 1 : known.reduce((sum, kind) => sum + kind.total * (expected.get(keyOf(kind)) as number), 0) / count
  let all = 0
  let done = 0
  for (const kind of kinds) {
    const weight = expected.get(keyOf(kind)) ?? mean
    all += weight * kind.total
    done += weight * (kind.ended + (partly.get(keyOf(kind)) ?? 0))
  }
  return all === 0 ? 0 : Math.min(1, done / all)
}

/** Milliseconds, at least one, for each kind of which enough is known. Plans that began in one hour share a look. */
async function readExpected(tx: SqlSession, kinds: readonly Kind[], reckoning: Reckoning): Promise<OfKind> {
  const named = kinds.filter(({ type }) => type !== '')
  if (named.length === 0) return new Map()
  const rows = await tx.query<{ plan_id: string; type: string; ms: number }>(
    `with kinds as (select k.plan_id, k.type, date_trunc('hour', p.sort_at) as before from unnest($1::uuid[], $2::text[]) as k (plan_id, type)
         cross join lateral (select p.sort_at from tracker.plans p where p.id = k.plan_id offset 0) p),
       expected as (select k.type, k.before, e.ms from (select distinct type, before from kinds) k cross join lateral (
         select greatest(1, percentile_cont(0.5) within group (order by s.run))::float8 as ms from (
           select (t.doc ->> 'runMs')::float8 as run from tracker.tasks t where coalesce(t.doc ->> 'type', t.doc ->> 'capability') = k.type and t.status = 'completed'
             and t.doc ->> 'runMs' is not null and t.ended_at < k.before and t.ended_at >= k.before - $3 * interval '1 day' and ${OF_SEEN_PLAN}
           order by t.ended_at desc limit ${MOST_SAMPLES}) s having count(*) >= $4) e)
     select k.plan_id, k.type, e.ms from kinds k join expected e on e.type = k.type and e.before = k.before`,
    [
      named.map(({ planId }) => planId),
      named.map(({ type }) => type),
      reckoning.etaWindow,
      Math.min(reckoning.etaMinSamples, MOST_SAMPLES),
    ],
  )
  return new Map(rows.map((row) => [keyOf({ planId: row.plan_id, type: row.type }), row.ms]))
}

/** Of open tasks: the most that each has reported, or the time since it began beside what it is expected to take. Time goes on while a task waits, else it would have to be taken back. */
async function readPartlyDone(
  tx: SqlSession,
  { kinds, expected, now }: { kinds: readonly Kind[]; expected: OfKind; now: Date },
): Promise<OfKind> {
  const open = kinds.filter(({ total, ended }) => ended < total)
  if (open.length === 0) return new Map()
  const rows = await tx.query<{ plan_id: string; type: string; done: number }>(
    `select t.plan_id, t.type, sum(greatest(coalesce(t.peak, 0), coalesce(least(${MOST_BY_TIME}, greatest(0, extract(epoch from $4::timestamptz - t.began) * 1000 / k.ms)), 0)))::float8 as done
       from (select distinct id from unnest($1::uuid[]) as plan (id)) plan cross join lateral (
         select t.plan_id, ${TYPE_OF_TASK} as type, (t.doc ->> 'peak')::float8 as peak, (t.doc ->> 'beganAt')::timestamptz as began from tracker.tasks t
          where t.plan_id = plan.id and t.status not in ('completed', 'failed', 'cancelled') offset 0) t
         join unnest($1::uuid[], $2::text[], $3::float8[]) as k (plan_id, type, ms) on k.plan_id = t.plan_id and k.type = t.type
      where t.peak is not null or t.began is not null group by t.plan_id, t.type`,
    [
      open.map(({ planId }) => planId),
      open.map(({ type }) => type),
      open.map((kind) => expected.get(keyOf(kind)) ?? null),
      now,
    ],
  )
  return new Map(rows.map((row) => [keyOf({ planId: row.plan_id, type: row.type }), row.done]))
}
