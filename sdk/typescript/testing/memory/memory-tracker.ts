import { type Plan, type Task, taskStatus } from '@soma/plans/contract'
import type { PlanProgress, TaskRecord } from '@soma/tracker/contract'
import type { MemoryClock } from './memory-clock.ts'
import type { createMemoryPlans } from './memory-plans.ts'
import { defined } from './memory-tasks.ts'

const NO_COST = { tokens: 0, costMicros: 0, currency: 'EUR', calls: 0 }
const nameOf = ({ type, key }: { type?: string | undefined; key: string }): string =>
  type?.replace(/\.requested$/, '') ?? key
const hasEnded = ({ status }: Task): boolean => ['completed', 'failed', 'cancelled'].includes(status)

/** What the tracker says of plans in memory: it is never behind them. */
export function createMemoryTracker(plans: ReturnType<typeof createMemoryPlans>, clock: MemoryClock) {
  const fresh = () => ({ asOf: clock.iso(), lagMs: 0, stale: false })
  const tasksOf = (planId: string): Task[] => plans.tasks().filter((task) => task.planId === planId)
  return {
    progress: (planId: string) => ({ ...fresh(), plan: progressOf(plans.planOf(planId), tasksOf(planId), clock) }),
    tasks: (planId: string) => {
      plans.planOf(planId)
      return { ...fresh(), items: tasksOf(planId).map((task) => recordOf(task, clock)), nextCursor: null }
    },
    group: (groupId: string) => {
      const { done: _done, lastTaskId: _last, members, ...group } = plans.group(groupId)
      return {
        ...fresh(),
        group: defined({
          ...group,
          members: members.map(({ taskId, key, type, status, problem }) =>
            defined({
              taskId,
              name: nameOf({ type, key }),
              type,
              state: status,
              problem: problem && { code: problem.code },
            }),
          ),
        }),
      }
    },
  }
}

function progressOf(plan: Plan, tasks: readonly Task[], clock: MemoryClock): PlanProgress {
  const counts = Object.fromEntries(
    taskStatus.options.map((status) => [status, tasks.filter((task) => task.status === status).length]),
  ) as Omit<PlanProgress['counts'], 'total'>
  const done = tasks.reduce((sum, task) => sum + (hasEnded(task) ? 1 : (task.progress ?? 0)), 0)
  return defined({
    planId: plan.planId,
    name: plan.title,
    driver: plan.driver,
    status: plan.status,
    currentState: plan.currentState,
    progress: tasks.length === 0 ? 0 : done / tasks.length,
    counts: { ...counts, total: tasks.length },
    createdAt: plan.createdAt,
    updatedAt: clock.iso(),
    problem: plan.problem && { code: plan.problem.code },
    goal: plan.goal && { type: plan.goal.type },
    agents: [],
    cost: NO_COST,
    blockers: 0,
    version: plan.version,
  }) as PlanProgress
}

const recordOf = (task: Task, clock: MemoryClock): TaskRecord =>
  defined({
    taskId: task.taskId,
    planId: task.planId,
    key: task.key,
    name: nameOf(task),
    kind: task.kind,
    type: task.type,
    state: task.status,
    generation: task.generation,
    parentTaskId: task.parentTaskId,
    groupId: task.groupId,
    attempts: task.delivery,
    progress: task.progress,
    message: task.message,
    createdAt: task.createdAt,
    updatedAt: clock.iso(),
    problem: task.problem && { code: task.problem.code },
    version: task.version,
  }) as TaskRecord
