import { type SqlSession, withoutUndefined } from '@soma/kernel'
import type { AgentMetrics, MetricsPeriod } from '../../contract/index.ts'
import { OF_SEEN_PLAN } from './store.ts'
import { BUCKET_GROWTH, type Histogram, mergeHistograms, quantileOf } from './histogram.ts'

const PERIODS: Readonly<Record<MetricsPeriod, string>> = {
  '1h': '1 hour',
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
}

export interface MetricsQuery {
  readonly agent: string
  readonly period: MetricsPeriod
  readonly type?: string | undefined
}

/** What is counted for one type of task; sums and histograms add up to those of the agent. */
interface Tally {
  readonly type: string
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly retries: number
  readonly deadLetters: number
  readonly runs: number
  readonly runMs: number
  readonly run: Histogram
  readonly queued: Histogram
}

/** Counts tasks of plans that the caller sees, each once, by its row: at its end, for the agent that ended it. Undefined for an agent of which nothing is known. */
export async function readAgentMetrics(tx: SqlSession, query: MetricsQuery): Promise<AgentMetrics | undefined> {
  const tallies = await readTallies(tx, query)
  if (tallies.length === 0 && !(await isKnown(tx, query.agent))) return undefined
  return withoutUndefined({
    agent: query.agent,
    period: query.period,
    ...figuresOf(tallies),
    byType: tallies
      .map((tally) => withoutUndefined({ type: tally.type, ...figuresOf([tally]) }))
      .sort((one, other) => other.total - one.total || (one.type < other.type ? -1 : 1)),
  }) as AgentMetrics
}

function figuresOf(tallies: readonly Tally[]) {
  const sum = (pick: (tally: Tally) => number) => tallies.reduce((total, tally) => total + pick(tally), 0)
  const [completed, failed, cancelled] = [sum((t) => t.completed), sum((t) => t.failed), sum((t) => t.cancelled)]
  const run = mergeHistograms(tallies.map((tally) => tally.run))
  const runs = sum((tally) => tally.runs)
  return {
    total: completed + failed + cancelled,
    completed,
    failed,
    cancelled,
    retries: sum((tally) => tally.retries),
    deadLetters: sum((tally) => tally.deadLetters),
    avgMs: runs === 0 ? undefined : Math.round(sum((tally) => tally.runMs) / runs),
    p50Ms: quantileOf(run, 0.5),
    p95Ms: quantileOf(run, 0.95),
    queuedP50Ms: quantileOf(mergeHistograms(tallies.map((tally) => tally.queued)), 0.5),
    successRate: completed + failed === 0 ? undefined : completed / (completed + failed),
  }
}

interface TallyRecord {
  type: string
  counts: Partial<Record<'completed' | 'failed' | 'cancelled' | 'retries' | 'deadLetters', number>>
  runs: number
  run_ms: number
  run: Record<string, number> | null
  queued: Record<string, number> | null
}

const TYPE = `coalesce(t.doc ->> 'type', t.doc ->> 'capability', t.doc ->> 'kind', '')`

async function readTallies(tx: SqlSession, { agent, period, type }: MetricsQuery): Promise<Tally[]> {
  const rows = await tx.query<TallyRecord>(
    `with ended as (
       select ${TYPE} as type, t.status as what, case when t.status <> 'cancelled' then (t.doc ->> 'runMs')::float8 end as run, (t.doc ->> 'queuedMs')::float8 as queued
       from tracker.tasks t where t.doc -> 'agent' ->> 'name' = $1 and t.ended_at >= statement_timestamp() - $2::interval and t.ended_at is not null and ${OF_SEEN_PLAN}),
     counted as (
       select type, what, count(*) as n from ended group by 1, 2
       union all select ${TYPE}, 'retries', count(*) from tracker.timeline e join tracker.tasks t on t.tenant_id = e.tenant_id and t.id = e.task_id
         where e.type = 'task.retried' and e.agent = $1 and e.at >= statement_timestamp() - $2::interval and ${OF_SEEN_PLAN} group by 1
       union all select ${TYPE}, 'deadLetters', count(*) from tracker.timeline e join tracker.tasks t on t.tenant_id = e.tenant_id and t.id = e.task_id
         where e.type = 'delivery.dead-lettered' and t.doc -> 'agent' ->> 'name' = $1 and e.at >= statement_timestamp() - $2::interval and ${OF_SEEN_PLAN} group by 1),
     durations as (
       select type, kind, floor(ln(greatest(ms, 1)) / ln($3::float8))::int4 as bucket, count(*) as n, sum(ms) as ms
       from ended cross join lateral (values ('run', run), ('queued', queued)) as v (kind, ms) where ms is not null group by 1, 2, 3)
     select c.type, jsonb_object_agg(c.what, c.n) as counts,
       coalesce((select sum(d.n) from durations d where d.type = c.type and d.kind = 'run'), 0)::float8 as runs,
       coalesce((select sum(d.ms) from durations d where d.type = c.type and d.kind = 'run'), 0)::float8 as run_ms,
       (select jsonb_object_agg(d.bucket, d.n) from durations d where d.type = c.type and d.kind = 'run') as run,
       (select jsonb_object_agg(d.bucket, d.n) from durations d where d.type = c.type and d.kind = 'queued') as queued
     from counted c where $4::text is null or c.type = $4 group by c.type`,
    [agent, PERIODS[period], BUCKET_GROWTH, type ?? null],
  )
  return rows.map(tallyOf)
}

const tallyOf = ({ type, counts, runs, run_ms, run, queued }: TallyRecord): Tally => ({
  type,
  completed: counts.completed ?? 0,
  failed: counts.failed ?? 0,
  cancelled: counts.cancelled ?? 0,
  retries: counts.retries ?? 0,
  deadLetters: counts.deadLetters ?? 0,
  runs,
  runMs: run_ms,
  run: histogramOf(run),
  queued: histogramOf(queued),
})

const histogramOf = (buckets: Record<string, number> | null): Histogram =>
  new Map(Object.entries(buckets ?? {}).map(([bucket, count]) => [Number(bucket), count]))

async function isKnown(tx: SqlSession, agent: string): Promise<boolean> {
  const rows = await tx.query(
    `select 1 from tracker.agents a where a.name = $1 and (a.space_id = '' or (select coalesce(current_setting('soma.space_id', true), '')) in ('', a.space_id))
     union all (select 1 from tracker.tasks t where t.doc -> 'agent' ->> 'name' = $1 and t.ended_at is not null and ${OF_SEEN_PLAN} limit 1) limit 1`,
    [agent],
  )
  return rows.length > 0
}
