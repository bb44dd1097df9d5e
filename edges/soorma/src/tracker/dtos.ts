import { metricsPeriod } from '@soma/tracker/contract'
import * as z from 'zod'

/** Answers of this service keep their snake_case. */
const time = z.string().nullable()

export const planProgressAnswer = z.strictObject({
  plan_id: z.string(),
  status: z.enum(['pending', 'in_progress', 'completed', 'failed', 'cancelled']),
  started_at: time,
  completed_at: time,
  task_count: z.number().int(),
  completed_tasks: z.number().int(),
  failed_tasks: z.number().int(),
  current_state: z.string().nullable(),
})
export type PlanProgressAnswer = z.output<typeof planProgressAnswer>

export const actionAnswer = z.strictObject({
  task_id: z.string(),
  event_type: z.string(),
  state: z.enum(['pending', 'running', 'delegated', 'waiting', 'completed', 'failed', 'cancelled']),
  started_at: time,
  completed_at: time,
  duration_seconds: z.number().nullable(),
  progress: z.number().nullable(),
})
export type ActionAnswer = z.output<typeof actionAnswer>

export const timelineAnswer = z.strictObject({
  trace_id: z.string().nullable(),
  events: z.array(
    z.strictObject({
      event_id: z.string(),
      event_type: z.string(),
      timestamp: z.string(),
      parent_event_id: z.string().nullable(),
    }),
  ),
})

export const planExecutionAnswer = z.strictObject({
  plan_id: z.string(),
  parent_plan_id: z.string().nullable(),
  session_id: z.string().nullable(),
  goal_event: z.string().nullable(),
  status: planProgressAnswer.shape.status,
  current_state: z.string().nullable(),
  trace_id: z.string().nullable(),
  started_at: time,
  completed_at: time,
})
export type PlanExecutionAnswer = z.output<typeof planExecutionAnswer>

export const delegationGroupAnswer = z.strictObject({
  group_id: z.string(),
  parent_task_id: z.string().nullable(),
  plan_id: z.string().nullable(),
  total_tasks: z.number().int(),
  completed_tasks: z.number().int(),
  created_at: time,
})

export const metricsQuery = z.object({ agent_id: z.string().min(1).max(255), period: metricsPeriod.default('24h') })
export type MetricsQuery = z.output<typeof metricsQuery>
export const metricsAnswer = z.strictObject({
  agent_id: z.string(),
  period: metricsPeriod,
  total_tasks: z.number().int(),
  completed_tasks: z.number().int(),
  failed_tasks: z.number().int(),
  avg_duration_seconds: z.number(),
  success_rate: z.number(),
})
