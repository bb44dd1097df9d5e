import type { SqlSession } from '@soma/kernel'
import type { PlanEvent } from './plan-events.ts'

/** Whose plan it is; tenant and space are those of the transaction. */
export interface PlanName {
  readonly userId: string
  readonly planId: string
}

/** As many rows as an answer has at most: the dialect has no pages. */
export const MAXIMUM_ROWS = 1000

const SPACE = `space_id = coalesce(current_setting('soma.space_id', true), '')`
const PLAN = `${SPACE} and user_id = $1 and plan_id = $2`

/** An event counts once, however often it comes. */
export const insertPlanEvent = (session: SqlSession, event: PlanEvent) =>
  session.execute(
    `insert into soorma.plan_events
       (tenant_id, space_id, user_id, plan_id, event_id, topic, type, action_id, at, parent_event_id, trace_id, agent, is_failure, total)
     values (current_setting('soma.tenant_id'), coalesce(current_setting('soma.space_id', true), ''),
       $1, $2, $3, $4, $5, $6, $7::timestamptz, $8, $9, $10, $11, $12)
     on conflict do nothing`,
    [
      ...[event.userId, event.planId, event.eventId, event.topic, event.type, event.actionId, event.at],
      ...[event.parentEventId ?? null, event.traceId ?? null, event.agent, event.isFailure, event.total ?? null],
    ],
  )

/** A few of the tenant's that are older than 30 days, which is the longest period that metrics have: so as rows come old ones go. */
export const deleteOldPlanEvents = (session: SqlSession) =>
  session.execute(
    `delete from soorma.plan_events where (tenant_id, space_id, user_id, plan_id, event_id) in (
       select tenant_id, space_id, user_id, plan_id, event_id from soorma.plan_events
       where tenant_id = current_setting('soma.tenant_id') and at < now() - interval '30 days' order by at limit 10)`,
  )

export interface ActionRow {
  readonly action_id: string
  readonly type: string
  readonly started_at: Date
  readonly completed_at: Date | null
  readonly failed: boolean | null
}

/** An action is what was asked for; it ends with its first result. */
const ACTIONS = `
  select action_id,
    (array_agg(type order by at, event_id) filter (where topic = 'action-requests'))[1] as type,
    min(at) filter (where topic = 'action-requests') as started_at,
    min(at) filter (where topic = 'action-results') as completed_at,
    (array_agg(is_failure order by at, event_id) filter (where topic = 'action-results'))[1] as failed
  from soorma.plan_events where ${PLAN} and topic in ('action-requests', 'action-results')
  group by action_id having bool_or(topic = 'action-requests')`

/** In the order in which they were asked for. */
export const selectActions = (session: SqlSession, { userId, planId }: PlanName) =>
  session.query<ActionRow>(`${ACTIONS} order by started_at, action_id limit ${MAXIMUM_ROWS}`, [userId, planId])

export interface ActionCounts {
  readonly total: number
  readonly completed: number
  readonly failed: number
  readonly started_at: Date | null
}

export const countActions = async (session: SqlSession, { userId, planId }: PlanName): Promise<ActionCounts> => {
  const [row] = await session.query<ActionCounts>(
    `select count(*)::int4 as total, (count(*) filter (where not failed))::int4 as completed,
       (count(*) filter (where failed))::int4 as failed, min(started_at) as started_at from (${ACTIONS}) as actions`,
    [userId, planId],
  )
  return row as ActionCounts
}

export interface SignRow {
  readonly type: string
  readonly at: Date
  readonly total: number | null
}

/** What was said of the plan itself, in order. */
export const selectSigns = (session: SqlSession, { userId, planId }: PlanName) =>
  session.query<SignRow>(
    `select type, at, total from soorma.plan_events where ${PLAN} and topic = 'system-events' order by at, event_id limit 100`,
    [userId, planId],
  )

export interface TimelineRow {
  readonly event_id: string
  readonly type: string
  readonly at: Date
  readonly parent_event_id: string | null
  readonly trace_id: string | null
}

export const selectTimeline = (session: SqlSession, { userId, planId }: PlanName) =>
  session.query<TimelineRow>(
    `select event_id, type, at, parent_event_id, trace_id from soorma.plan_events where ${PLAN}
     order by at, event_id limit ${MAXIMUM_ROWS}`,
    [userId, planId],
  )

export interface AgentFigures {
  readonly completed: number
  readonly failed: number
  readonly seconds: number
}

/** What an agent answered in a period: each action once, with the time since it was asked for. */
export const selectFigures = async (
  session: SqlSession,
  { agents, period }: { readonly agents: readonly string[]; readonly period: string },
): Promise<AgentFigures> => {
  const [row] = await session.query<AgentFigures>(
    `select (count(*) filter (where not is_failure))::int4 as completed, (count(*) filter (where is_failure))::int4 as failed,
       coalesce(sum(extract(epoch from at - asked_at)), 0)::float8 as seconds
     from (
       select distinct on (result.user_id, result.plan_id, result.action_id) result.is_failure, result.at,
         (select min(request.at) from soorma.plan_events as request
          where request.tenant_id = result.tenant_id and request.space_id = result.space_id and request.user_id = result.user_id
            and request.plan_id = result.plan_id and request.action_id = result.action_id and request.topic = 'action-requests') as asked_at
       from soorma.plan_events as result
       where result.${SPACE} and result.agent = any($1::text[]) and result.topic = 'action-results' and result.at > now() - $2::interval
       order by result.user_id, result.plan_id, result.action_id, result.at
     ) as ends where asked_at is not null`,
    [agents, period],
  )
  return row as AgentFigures
}

/** Of the tenant; of one space of it, and of one user there, where they are named. */
export const deletePlanEvents = (
  session: SqlSession,
  { spaceId, userId }: { readonly spaceId: string | undefined; readonly userId: string | undefined },
) =>
  session.execute(
    `delete from soorma.plan_events where tenant_id = current_setting('soma.tenant_id')
       and ($1::text is null or space_id = $1) and ($2::text is null or user_id = $2)`,
    [spaceId ?? null, userId ?? null],
  )
