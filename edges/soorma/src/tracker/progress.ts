import type { plansContract, PlanStatus } from '@soma/plans/contract'
import type { TaskRecord, trackerContract } from '@soma/tracker/contract'
import type { Client, ModuleDatabase, SqlSession } from '@soma/kernel'
import type { EventTypes } from '../events/types.ts'
import { toForeignType } from '../events/types.ts'
import { createPlans, type KnownPlan } from '../memory/plans.ts'
import { taskNames } from '../memory/task-contexts.ts'
import { ignoreNotFound } from '../records/ignore-not-found.ts'
import { selectRecordsOf } from '../records/store.ts'
import { firstPages } from '../wire/first-pages.ts'
import { refusal } from '../wire/refusal.ts'
import type { Caller } from '../wire/route.ts'
import type { ActionAnswer, PlanProgressAnswer } from './dtos.ts'
import {
  type ActionRow,
  countActions,
  MAXIMUM_ROWS,
  type SignRow,
  selectActions,
  selectSigns,
  selectTimeline,
} from './store.ts'

export interface TrackerOptions {
  readonly tracker: Client<typeof trackerContract>
  readonly plans: Client<typeof plansContract>
  readonly database: ModuleDatabase
  readonly types: EventTypes
}

/** How plans of the dialect get on: what the events with their id say, else what is known of a plan of ours. */
export function createProgress({ tracker, plans: client, database, types }: TrackerOptions) {
  const plans = createPlans({ plans: client.plans, database, types })
  const read = <T>(caller: Caller, work: (session: SqlSession) => Promise<T>) =>
    database.transaction(caller.context, work)
  const nameOf = ({ serviceUser }: Caller, planId: string) => ({ userId: serviceUser, planId })

  const tasksOf = async (caller: Caller, { plan }: KnownPlan): Promise<ActionAnswer[]> => {
    const params = { planId: plan.planId }
    const tasks = await firstPages(({ limit, cursor }) =>
      tracker.planTasks.list(caller.context, { params, query: { limit, ...cursor } }),
    ).catch(ignoreNotFound)
    const rows = await read(caller, (session) =>
      selectRecordsOf(
        session,
        taskNames(caller),
        (tasks ?? []).map(({ taskId }) => taskId),
      ),
    )
    const names = new Map(rows.map(({ own_id, foreign_id }) => [own_id, foreign_id]))
    return (tasks ?? [])
      .slice(0, MAXIMUM_ROWS)
      .map((task) => actionOfTask(task, names.get(task.taskId) ?? task.taskId))
      .toSorted((one, other) => ((one.started_at ?? '~') < (other.started_at ?? '~') ? -1 : 1))
  }

  return {
    /** @throws 404 for a plan that nobody made and no event names */
    plan: async (caller: Caller, planId: string): Promise<PlanProgressAnswer> => {
      const known = await plans.find(caller, planId)
      const { counts, signs } = await read(caller, async (session) => ({
        counts: await countActions(session, nameOf(caller, planId)),
        signs: await selectSigns(session, nameOf(caller, planId)),
      }))
      if (known === undefined && counts.total === 0 && signs.length === 0)
        throw refusal(404, `Plan ${planId} not found`)
      const promised = Math.max(0, ...signs.map(({ total }) => total ?? 0))
      const { total, completed, failed } = counts.total > 0 || known === undefined ? counts : known.plan.counts
      return {
        plan_id: planId,
        ...(known === undefined ? lifeOf(signs, counts.started_at) : ownLifeOf(known)),
        task_count: Math.max(total, promised),
        completed_tasks: completed,
        failed_tasks: failed,
        current_state: known?.plan.currentState ?? null,
      }
    },

    actions: async (caller: Caller, planId: string): Promise<ActionAnswer[]> => {
      const rows = await read(caller, (session) => selectActions(session, nameOf(caller, planId)))
      if (rows.length > 0) return rows.map(actionOfRow)
      const known = await plans.find(caller, planId)
      return known === undefined ? [] : tasksOf(caller, known)
    },

    timeline: async (caller: Caller, planId: string) => {
      const rows = await read(caller, (session) => selectTimeline(session, nameOf(caller, planId)))
      const known = await plans.find(caller, planId)
      const entries = known === undefined ? [] : await entriesOf(caller, known)
      const events = [
        ...rows.map(({ event_id, type, at, parent_event_id }) => ({
          event_id,
          event_type: type,
          timestamp: at.toISOString(),
          parent_event_id,
        })),
        ...entries.map(({ id, type, at, causationId }) => ({
          event_id: id,
          event_type: toForeignType(type),
          timestamp: at,
          parent_event_id: causationId ?? null,
        })),
      ]
      const once = [...new Map(events.map((event) => [event.event_id, event])).values()]
      const [first] = rows
      return {
        trace_id: first?.trace_id ?? entries.find(({ traceId }) => traceId !== undefined)?.traceId ?? null,
        events: once.toSorted((one, other) => (one.timestamp < other.timestamp ? -1 : 1)).slice(0, MAXIMUM_ROWS),
      }
    },
  }

  async function entriesOf({ context }: Caller, { plan }: KnownPlan) {
    const params = { planId: plan.planId }
    const entries = await firstPages(({ limit, cursor }) =>
      tracker.planTimeline.list(context, { params, query: { limit, ...cursor } }),
    ).catch(ignoreNotFound)
    return entries ?? []
  }
}

export const STATUS_OF: Readonly<Record<PlanStatus, PlanProgressAnswer['status']>> = {
  draft: 'pending',
  pending: 'pending',
  running: 'in_progress',
  waiting: 'in_progress',
  stopping: 'in_progress',
  paused: 'in_progress',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
}

type Life = Pick<PlanProgressAnswer, 'status' | 'started_at' | 'completed_at'>

const ownLifeOf = ({ plan }: KnownPlan): Life => ({
  status: STATUS_OF[plan.status],
  started_at: timeOf(plan.startedAt ?? plan.createdAt),
  completed_at: timeOf(plan.endedAt),
})

/** The first end counts: what is said later changes nothing. */
function lifeOf(signs: readonly SignRow[], firstActionAt: Date | null): Life {
  const end = signs.find(({ type }) => type !== 'plan.started')
  const started = signs.find(({ type }) => type === 'plan.started')?.at ?? firstActionAt
  return {
    status: end === undefined ? 'in_progress' : end.type === 'plan.completed' ? 'completed' : 'failed',
    started_at: started?.toISOString() ?? null,
    completed_at: end?.at.toISOString() ?? null,
  }
}

export const timeOf = (time: string | undefined): string | null =>
  time === undefined ? null : new Date(time).toISOString()

const secondsBetween = (start: string | null, end: string | null): number | null =>
  start === null || end === null ? null : Math.max(0, Date.parse(end) - Date.parse(start)) / 1000

function actionOfRow({ action_id, type, started_at, completed_at, failed }: ActionRow): ActionAnswer {
  const [start, end] = [started_at.toISOString(), completed_at?.toISOString() ?? null]
  const state = failed === null ? 'running' : failed ? 'failed' : 'completed'
  return {
    task_id: action_id,
    event_type: type,
    state,
    started_at: start,
    completed_at: end,
    duration_seconds: secondsBetween(start, end),
    progress: state === 'completed' ? 1 : null,
  }
}

function actionOfTask(task: TaskRecord, taskId: string): ActionAnswer {
  const [start, end] = [timeOf(task.startedAt), timeOf(task.completedAt)]
  return {
    task_id: taskId,
    event_type: toForeignType(task.type ?? task.name),
    state: task.state,
    started_at: start,
    completed_at: end,
    duration_seconds: secondsBetween(start, end),
    progress: task.progress ?? (task.state === 'completed' ? 1 : null),
  }
}
