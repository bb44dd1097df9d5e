import { type EventEnvelope, sequenceOf, toId } from '@soma/kernel'

const uuid = (number: number): string => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
export const planId = toId('plan', uuid(1))
export const taskId = (number: number): string => toId('task', uuid(100 + number))
export const groupId = toId('grp', uuid(50))
export const gateId = toId('gate', uuid(60))

/** The facts of one plan in log order: two grouped tasks, one with a lost lease, a gate, and a task that failed and was retried. `rewound`: then the second task once more, and late facts of its first generation. */
export function aHistory({ rewound = false }: { rewound?: boolean } = {}): EventEnvelope[] {
  const events: EventEnvelope[] = []
  const push = (type: string, data: Record<string, unknown>, more: Partial<EventEnvelope> = {}) => {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, events.length)).toISOString()
    events.push({
      specversion: '1.0',
      id: `evt_${String(events.length).padStart(3, '0')}`,
      source: '/modules/plans',
      type,
      topic: type.startsWith('plan.') ? 'plan-events' : 'task-events',
      time: at,
      recordedtime: at,
      sequence: sequenceOf(3, events.length + 1),
      tenantid: 'tenant-a',
      userid: 'usr-a',
      authid: 'agt-planner',
      planid: planId,
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      data,
      ...more,
    })
  }
  const plan = (verb: string, version: number, data: Record<string, unknown>) =>
    push(`plan.${verb}`, {
      planId,
      version,
      title: 'Docs',
      ownerId: 'agt-planner',
      driver: 'planner',
      origin: 'state-machine',
      ...data,
    })
  const task = (verb: string, number: number, version: number, data: Record<string, unknown>) =>
    push(
      `task.${verb}`,
      {
        taskId: taskId(number),
        planId,
        name: `check-${number}`,
        version,
        type: 'check.requested',
        generation: 1,
        try: 1,
        delivery: 0,
        ...data,
      },
      { taskid: taskId(number), correlationid: taskId(number) },
    )
  const agent = { name: 'checker' }
  plan('created', 1, { status: 'pending' })
  plan('started', 2, { status: 'running', currentState: 'check' })
  task('created', 1, 1, { status: 'pending', pendingFor: 'agent', groupId })
  task('created', 2, 1, { status: 'pending', pendingFor: 'agent', groupId })
  task('started', 1, 2, { status: 'running', delivery: 1, agent, groupId })
  task('started', 2, 2, { status: 'running', delivery: 1, agent, groupId })
  task('progressed', 1, 3, { status: 'running', delivery: 1, progress: 0.5, agent, groupId })
  task('retried', 1, 4, { status: 'pending', delivery: 1, pendingFor: 'retry', reason: 'lease-lost', agent, groupId })
  task('started', 1, 5, { status: 'running', delivery: 2, agent, groupId })
  task('completed', 2, 3, { status: 'completed', delivery: 1, agent, groupId, queuedMs: 2000, runMs: 4000 })
  task('completed', 1, 6, {
    status: 'completed',
    delivery: 2,
    agent,
    groupId,
    groupDone: true,
    queuedMs: 2000,
    runMs: 6000,
  })
  task('created', 3, 1, { status: 'pending', pendingFor: 'agent' })
  task('failed', 3, 2, { status: 'failed', problem: { code: 'timeout' } })
  task('retried', 3, 3, { status: 'pending', generation: 2, pendingFor: 'agent', reason: 'fixed' })
  task('started', 3, 4, { status: 'running', generation: 2, delivery: 1, agent })
  task('completed', 3, 5, { status: 'completed', generation: 2, delivery: 1, agent })
  push(
    'gate.decided',
    {
      gateId,
      kind: 'review',
      outcome: 'approved',
      deciders: ['usr-ana'],
      subject: { planId },
      payloadHash: '',
      edited: false,
    },
    { topic: 'system-events', source: '/modules/governance', authid: 'usr-ana' },
  )
  plan('state-changed', 3, {
    status: 'running',
    currentState: 'end',
    fromState: 'check',
    toState: 'end',
    on: 'check.done',
  })
  plan('completed', 4, { status: 'completed', currentState: 'end', outcome: 'succeeded' })
  if (!rewound) return events
  const again = { generation: 2 }
  plan('rewound', 5, {
    ...again,
    status: 'running',
    currentState: 'check',
    tasks: [{ taskId: taskId(2), name: 'check-2', type: 'check.requested', version: 4, groupId, ...again }],
  })
  task('started', 2, 5, { ...again, status: 'running', delivery: 1, agent, groupId })
  task('progressed', 2, 6, { status: 'running', delivery: 1, agent, groupId, progress: 0.1 })
  plan('failed', 6, { status: 'failed', problem: { code: 'late' } })
  plan('waiting', 7, { ...again, status: 'waiting', currentState: 'check' })
  return events
}
