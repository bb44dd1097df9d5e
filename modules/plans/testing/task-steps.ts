import { type EventEnvelope, newId } from '@soma/kernel'
import { actor, type PlansBench } from './plans-bench.ts'

export const planner = actor({ id: 'agt-planner', userId: 'usr-a' })
export const worker = actor({ id: 'agt-worker', userId: 'usr-a' })

/** Steps that tests of tasks share. `bench` is asked at each step, so it may be opened later. */
export function createTaskSteps(bench: () => PlansBench) {
  const newPlan = async () => (await bench().client.plans.create(planner, { body: { title: 'Work' } })).planId
  const delegate = async (planId: string, specs: { type?: string; [field: string]: unknown }[], group = false) =>
    bench().client.plans.delegate(planner, { params: { planId }, body: { specs: specs as never, group } })
  return {
    newPlan,
    delegate,
    /** A plan with one task that asks for work and waits for its reply. */
    oneTask: async (spec: Record<string, unknown> = {}) => {
      const planId = await newPlan()
      const { taskIds } = await delegate(planId, [
        { type: 'work.requested', responseType: 'work.done', data: { n: 1 }, ...spec },
      ])
      return { planId, taskId: taskIds[0] as string }
    },
    get: (taskId: string) => bench().client.tasks.get(planner, { params: { taskId } }),
    requestOf: (taskId: string) =>
      bench().events.findLast((event) => event.topic === 'action-requests' && event.taskid === taskId) as EventEnvelope,
    factsOf: (taskId: string) =>
      bench().events.filter((event) => event.topic === 'task-events' && event.taskid === taskId),
    repliesOf: (taskId: string) =>
      bench().events.filter((event) => event.topic === 'action-results' && event.taskid === taskId),
  }
}

/** What governance says when a gate is decided. */
export const decided = (
  gateId: string,
  outcome: string,
  more: Partial<EventEnvelope> = {},
  planId?: string,
): EventEnvelope => ({
  specversion: '1.0',
  id: newId('evt'),
  source: '/modules/governance',
  type: 'gate.decided',
  topic: 'system-events',
  time: new Date().toISOString(),
  tenantid: 'tenant-a',
  userid: 'usr-a',
  data: {
    gateId,
    kind: 'review',
    outcome,
    payloadHash: `sha256:${'0'.repeat(64)}`,
    edited: false,
    deciders: ['usr-a'],
    subject: planId === undefined ? {} : { planId },
  },
  ...more,
})

/** What the events module says when it gives up a request. */
export const deadLetterOf = (request: Pick<EventEnvelope, 'id' | 'type' | 'taskid'>): EventEnvelope => ({
  ...decided(newId('gate'), 'approved'),
  type: 'delivery.dead-lettered',
  topic: 'dead-letter',
  source: '/modules/events',
  ...(request.taskid === undefined ? {} : { partitionkey: request.taskid }),
  data: {
    deliveryId: newId('dlv'),
    group: 'checker',
    topic: 'action-requests',
    type: request.type,
    eventId: request.id,
    attempts: 5,
    problem: { code: 'internal', detail: 'boom' },
    handler: null,
  },
})
