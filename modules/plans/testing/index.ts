export { actor, openPlansBench, type PlansBench, type PlansBenchOptions, replyTo } from './plans-bench.ts'
