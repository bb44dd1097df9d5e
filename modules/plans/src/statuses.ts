import type { PlanStatus, TaskStatus } from '../contract/index.ts'

/**
 * The two status tables of docs/spec/plans.md. Every change goes through `assertPlanChange` or `assertTaskChange`; a change that is not here is a bug of the caller.
 * Here `stopping` ends in one commit with what caused it unless child plans are still open.
 */
const PLAN_CHANGES: Readonly<Record<PlanStatus, readonly PlanStatus[]>> = {
  draft: ['pending', 'cancelled'],
  pending: ['running', 'paused', 'stopping', 'cancelled', 'failed'],
  running: ['waiting', 'paused', 'stopping', 'completed'],
  waiting: ['running', 'paused', 'stopping', 'completed'],
  paused: ['pending', 'running', 'waiting', 'stopping'],
  stopping: ['failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
}

const TASK_CHANGES: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  pending: ['running', 'waiting', 'completed', 'failed', 'cancelled'],
  running: ['completed', 'failed', 'pending', 'waiting', 'delegated', 'cancelled'],
  delegated: ['running', 'waiting', 'completed', 'failed', 'cancelled'],
  waiting: ['pending', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
}

export const isPlanChange = (from: PlanStatus, to: PlanStatus): boolean => PLAN_CHANGES[from].includes(to)
export const isTaskChange = (from: TaskStatus, to: TaskStatus): boolean => TASK_CHANGES[from].includes(to)
export const hasPlanEnded = (status: PlanStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'
export const hasTaskEnded = (status: TaskStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

export function assertPlanChange(from: PlanStatus, to: PlanStatus): void {
  if (!isPlanChange(from, to)) throw new TypeError(`a plan never goes from ${from} to ${to}`)
}

export function assertTaskChange(from: TaskStatus, to: TaskStatus): void {
  if (!isTaskChange(from, to)) throw new TypeError(`a task never goes from ${from} to ${to}`)
}
