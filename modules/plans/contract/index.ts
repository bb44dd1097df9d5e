import { contract } from '@soma/kernel'
import { plansEvents } from './events.ts'
import { plansOperations } from './plans-operations.ts'
import { planProblems } from './problems.ts'
import { plansSettings } from './settings.ts'
import { groupsOperations, tasksOperations } from './tasks-operations.ts'

export * from './events.ts'
export * from './json-value.ts'
export * from './plan.ts'
export { createPlanBody, plansOperations } from './plans-operations.ts'
export { planProblems } from './problems.ts'
export * from './state-machine.ts'
export * from './task.ts'
export { groupsOperations, tasksOperations } from './tasks-operations.ts'

export const plansContract = contract({
  module: 'plans',
  summary: 'What is being done, by whom, how far, and what happens next?',
  operations: { plans: plansOperations, tasks: tasksOperations, groups: groupsOperations },
  events: plansEvents,
  problems: Object.values(planProblems),
  capabilities: {
    'plan:read': "Read one's own plans and tasks, and those shared with the space or tenant.",
    'plan:read-all': 'Read every plan of the tenant.',
    'plan:run': "Start plans and control one's own.",
    'plan:control': "Control other people's plans.",
    'task:update': 'Do the work of tasks: start, save, delegate, complete.',
  },
  settings: plansSettings,
})
