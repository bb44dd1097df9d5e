import type { SqlSession } from '@soma/kernel'
import type { PlanProgress } from '../../contract/index.ts'
import { hasEnded } from '../projection/rank.ts'
import { NO_TASKS } from './views.ts'

export interface TaskCount {
  readonly counts: PlanProgress['counts']
  /** Ended tasks count 1, others what they reported. */
  readonly progress: number
}

interface CountRecord {
  plan_id: string
  status: keyof PlanProgress['counts']
  count: number
  reported: number
}

/** Of thousands of plans, each looked up by its key, how many tasks are in which state. Plans without tasks are absent. */
export async function countTasks(tx: SqlSession, planIds: readonly string[]): Promise<Map<string, TaskCount>> {
  const rows = await tx.query<CountRecord>(
    `select t.plan_id, t.status, count(*) as count, coalesce(sum(t.progress), 0)::float8 as reported from unnest($1::uuid[]) as plan (id)
       cross join lateral (select t.plan_id, t.status, t.progress from tracker.tasks t where t.plan_id = plan.id offset 0) t group by t.plan_id, t.status`,
    [planIds],
  )
  const counted = new Map<string, { counts: PlanProgress['counts']; done: number }>()
  for (const { plan_id, status, count, reported } of rows) {
    const plan = counted.get(plan_id) ?? { counts: { ...NO_TASKS.counts }, done: 0 }
    plan.counts[status] += count
    plan.counts.total += count
    plan.done += hasEnded(status) ? count : reported
    counted.set(plan_id, plan)
  }
  return new Map(
    [...counted].map(([id, { counts, done }]) => [id, { counts, progress: Math.min(1, done / counts.total) }]),
  )
}
