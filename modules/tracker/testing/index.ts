export { openTrackerBench, type TrackerBench } from './tracker-bench.ts'
export { aHistory, gateId, groupId, planId, taskId } from './history.ts'
