export { openTrackerBench, type TrackerBench } from './tracker-bench.ts'
export { aFact, aTaskFact } from './facts.ts'
export { aHistory, gateId, groupId, planId, taskId } from './history.ts'
