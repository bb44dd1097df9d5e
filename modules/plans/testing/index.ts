export { actor, openPlansBench, type PlansBench, type PlansBenchOptions, replyTo } from './plans-bench.ts'
export { createTaskSteps, decided, planner, worker } from './task-steps.ts'
