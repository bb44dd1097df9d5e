import { type EventEnvelope, newId } from '@soma/kernel'

/** A fact of the registry or of governance, as the log hands it out. */
export function aFact(type: string, data: object, at = new Date().toISOString()): EventEnvelope {
  return {
    specversion: '1.0',
    id: newId('evt'),
    source: type.startsWith('agent.') ? '/modules/registry' : '/modules/governance',
    type,
    topic: 'system-events',
    time: at,
    recordedtime: at,
    tenantid: 'tenant-a',
    userid: 'usr-a',
    data,
  }
}

/** An event of an agent that stamped what `more` says, and no plan. */
export const anEvent = (more: Partial<EventEnvelope>): EventEnvelope => ({
  specversion: '1.0',
  id: newId('evt'),
  source: '/agents/checker',
  type: 'check.done',
  topic: 'action-results',
  time: new Date().toISOString(),
  tenantid: 'tenant-a',
  userid: 'usr-a',
  outcome: 'ok',
  data: {},
  ...more,
})

/** A fact of one task of one plan; `data` says what is not usual. */
export function aTaskFact(
  verb: string,
  task: { planId: string; taskId: string },
  { at, ...data }: { at: string; version: number; status: string } & Record<string, unknown>,
): EventEnvelope {
  return {
    ...aFact(
      `task.${verb}`,
      { ...task, name: 'check', type: 'check.requested', generation: 1, delivery: 1, ...data },
      at,
    ),
    source: '/modules/plans',
    topic: 'task-events',
    planid: task.planId,
    taskid: task.taskId,
  }
}
