import { defineModule, type Delivered, type EventHandler, type LogRecord, onTopic, toId } from '@soma/kernel'
import { trackerContract } from '../contract/index.ts'
import type { TrackerPorts } from './ports.ts'
import { entryOf } from './projection/entries.ts'
import { isAgentFact } from './projection/agents.ts'
import { project, projectAgent } from './projection/project.ts'
import { eraseUser } from './keeping/erasure.ts'
import { createKeepingJobs } from './keeping/jobs.ts'
import { createRebuildRunner } from './rebuild/runner.ts'
import { createRebuilds } from './rebuild/service.ts'
import { shadowOf } from './rebuild/shadow.ts'
import { createTrackerReads } from './reads/service.ts'
import { createWaiting } from './reads/waiting.ts'
import { createChanges } from './stream/changes.ts'
import { createPlanStream } from './stream/plan-stream.ts'

export type { TrackerPorts } from './ports.ts'

/** What is projected: facts of plans, tasks, gates, agents and dead letters, and the headers of requests, replies and business facts. */
const PROJECTED = [
  ['plan-events', '*'],
  ['task-events', '*'],
  ['system-events', 'gate.*'],
  ['system-events', 'agent.*'],
  ['dead-letter', 'delivery.dead-lettered'],
  ['action-requests', '*'],
  ['action-results', '*'],
  ['business-facts', '*'],
] as const

const TOPICS = [...new Set(PROJECTED.map(([topic]) => topic))]
const isProjected = (record: Pick<LogRecord, 'topic' | 'type'>): boolean =>
  PROJECTED.some(
    ([topic, type]) =>
      topic === record.topic &&
      (type === '*' || type === record.type || (type.endsWith('.*') && record.type.startsWith(type.slice(0, -1)))),
  )

export const trackerModule = defineModule<typeof trackerContract, Record<never, never>, TrackerPorts | undefined>({
  contract: trackerContract,
  uses: {},
  migrations: new URL('../migrations/', import.meta.url),
  create: ({ database, settings, ports, metrics, log, clock }) => {
    const reads = createTrackerReads({ database, settings, clock, oldestWaiting: ports?.oldestWaiting })
    const waiting = createWaiting({ database })
    const changes = createChanges(ports?.reader)
    const stream = createPlanStream({ database, reads, changes })
    const rebuilds = createRebuilds({ database })
    const rebuilding = { database, log, metrics, clock, retention: settings, isProjected, topics: TOPICS }
    const handle = async (delivered: Delivered) => {
      if (isAgentFact(delivered.event)) await projectAgent(delivered.tx, delivered.event)
      else if (await project(delivered)) await project({ event: delivered.event, tx: shadowOf(delivered.tx) })
      metrics.count('soma_tracker_applied_total', { topic: delivered.event.topic })
      const { plan_id: planId } = entryOf(delivered.event)
      if (planId !== undefined)
        changes.projected({ tenantId: delivered.event.tenantid, planId: toId('plan', planId) }, delivered.event.id)
    }
    return {
      operations: {
        plans: {
          list: waiting((context, call) => reads.plans(context, call.query)),
          get: waiting((context, call) => reads.plan(context, call.params.planId)),
        },
        planTasks: { list: waiting((context, call) => reads.planTasks(context, call.params.planId, call.query)) },
        planTimeline: { list: waiting((context, call) => reads.timeline(context, call.params.planId, call.query)) },
        planLineage: { get: waiting((context, call) => reads.lineage(context, call.params.planId, call.query)) },
        planHierarchy: {
          get: waiting((context, call) => reads.hierarchy(context, call.params.planId, call.query.direction)),
        },
        planSubPlans: {
          list: waiting((context, { params, query }) => reads.subPlans(context, params.planId, query)),
        },
        planBlockers: {
          list: waiting((context, { params, query }) => reads.blockers(context, { ...query, planId: params.planId })),
        },
        blockers: { list: waiting((context, call) => reads.blockers(context, call.query)) },
        planEta: { get: waiting((context, call) => reads.eta(context, call.params.planId)) },
        sessionPlans: {
          list: waiting((context, { params, query }) =>
            reads.plans(context, { ...query, sessionId: params.sessionId, loneTasks: true }),
          ),
        },
        planStream: {
          read: async (context, call) => {
            await reads.plan(context, call.params.planId)
            return stream(context, call.params.planId, call.signal)
          },
        },
        tasks: {
          list: waiting((context, call) => reads.tasks(context, call.query)),
          get: waiting((context, call) => reads.task(context, call.params.taskId)),
        },
        delegationGroups: { get: waiting((context, call) => reads.group(context, call.params.groupId)) },
        agents: { metrics: waiting((context, call) => reads.agentMetrics(context, call.params.name, call.query)) },
        rebuilds: {
          create: (context, call) => rebuilds.start(context, 'rebuild', call.body.tenantId),
          verify: (context, call) => rebuilds.start(context, 'verify', call.body.tenantId),
          get: (context, call) => rebuilds.get(context, call.params.rebuildId, call.query.tenantId),
        },
        traces: {
          get: waiting((context, call) => reads.trace(context, { column: 'trace_id', value: call.params.traceId })),
        },
        correlations: {
          get: waiting((context, call) =>
            reads.trace(context, { column: 'correlation_id', value: call.params.correlationId }),
          ),
        },
      },
      handlers: [
        ...PROJECTED.map(
          ([topic, type]): EventHandler => ({ ...onTopic(topic, type, handle), sharesTransaction: true }),
        ),
        onTopic('system-events', 'principal.erased', async ({ event, tx }) => {
          if (event.source === '/modules/identity') await eraseUser(tx, event.data)
        }),
      ],
      jobs: [
        ...createKeepingJobs({ database, clock, settings }),
        ...(ports?.reader === undefined
          ? []
          : [{ name: 'rebuild', everyMs: 1000, run: createRebuildRunner({ ...rebuilding, reader: ports.reader }) }]),
      ],
    }
  },
})
