export { aPlanner, aReader } from './actors.ts'
export { openTrackerBench, type TrackerBench } from './tracker-bench.ts'
export { aFact, anEvent, aTaskFact } from './facts.ts'
export { aHistory, gateId, groupId, planId, taskId } from './history.ts'
