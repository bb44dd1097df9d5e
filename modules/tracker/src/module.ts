import { defineModule, type Delivered, type EventHandler, onTopic, toId } from '@soma/kernel'
import { trackerContract } from '../contract/index.ts'
import type { TrackerPorts } from './ports.ts'
import { entryOf } from './projection/entries.ts'
import { project } from './projection/project.ts'
import { createTrackerReads } from './reads/service.ts'
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

export const trackerModule = defineModule<typeof trackerContract, Record<never, never>, TrackerPorts | undefined>({
  contract: trackerContract,
  uses: {},
  migrations: new URL('../migrations/', import.meta.url),
  create: ({ database, settings, ports, metrics }) => {
    const reads = createTrackerReads({ database, staleMs: settings.staleMs })
    const changes = createChanges(ports?.reader)
    const stream = createPlanStream({ database, reads, changes })
    const handle = async (delivered: Delivered) => {
      await project(delivered)
      metrics.count('soma_tracker_applied_total', { topic: delivered.event.topic })
      const { plan_id: planId } = entryOf(delivered.event)
      if (planId !== undefined)
        changes.projected({ tenantId: delivered.event.tenantid, planId: toId('plan', planId) }, delivered.event.id)
    }
    return {
      operations: {
        plans: {
          list: (context, call) => reads.plans(context, call.query),
          get: (context, call) => reads.plan(context, call.params.planId),
        },
        planTasks: { list: (context, call) => reads.planTasks(context, call.params.planId, call.query) },
        planTimeline: { list: (context, call) => reads.timeline(context, call.params.planId, call.query) },
        planLineage: { get: (context, call) => reads.lineage(context, call.params.planId, call.query) },
        planHierarchy: { get: (context, call) => reads.hierarchy(context, call.params.planId, call.query.direction) },
        planBlockers: {
          list: (context, { params, query }) => reads.blockers(context, { ...query, planId: params.planId }),
        },
        blockers: { list: (context, call) => reads.blockers(context, call.query) },
        planStream: {
          read: async (context, call) => {
            await reads.plan(context, call.params.planId)
            return stream(context, call.params.planId, call.signal)
          },
        },
        tasks: {
          list: (context, call) => reads.tasks(context, call.query),
          get: (context, call) => reads.task(context, call.params.taskId),
        },
        delegationGroups: { get: (context, call) => reads.group(context, call.params.groupId) },
        agents: { metrics: (context, call) => reads.agentMetrics(context, call.params.name, call.query) },
        traces: { get: (context, call) => reads.trace(context, { column: 'trace_id', value: call.params.traceId }) },
        correlations: {
          get: (context, call) => reads.trace(context, { column: 'correlation_id', value: call.params.correlationId }),
        },
      },
      handlers: PROJECTED.map(([topic, type]): EventHandler => onTopic(topic, type, handle)),
    }
  },
})
