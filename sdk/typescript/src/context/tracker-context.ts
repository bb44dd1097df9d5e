import { withoutUndefined } from '@soma/kernel'
import type {
  AgentMetrics,
  Blocker,
  DelegationGroup,
  Eta,
  Hierarchy,
  MetricsPeriod,
  PlanProgress,
  TaskRecord,
  TimelineEntry,
} from '@soma/tracker/contract'
import type { Handling } from '../run/handling.ts'
import { absentAsUndefined } from './absent.ts'
import { planOf } from './plan-of.ts'

/** How fresh an answer is: the tracker follows the log and is behind it by `lagMs`. */
export interface Fresh {
  /** Log time of the newest fact it knows. */
  readonly asOf: string | null
  readonly lagMs: number
  readonly stale: boolean
}

/**
 * Where plans, tasks and agents stand, as far as the event's user may know. Without a plan it is the event's. Undefined: there is no such thing for this user, or the event
 * belongs to no plan. Lists hold the first 200.
 */
export interface TrackerContext {
  progress(planId?: string): Promise<(Fresh & { readonly plan: PlanProgress }) | undefined>
  tasks(planId?: string): Promise<readonly TaskRecord[] | undefined>
  /** Everything that happened, the oldest first. */
  timeline(planId?: string): Promise<readonly TimelineEntry[] | undefined>
  /** The plans above and below, and the delegations inside them. */
  hierarchy(planId?: string): Promise<Hierarchy | undefined>
  /** When the open tasks will be done; `eta` is null with its reason. */
  eta(planId?: string): Promise<{ readonly eta: Eta | null; readonly reason?: string | undefined } | undefined>
  /** Why open tasks do not run, and who can end that. */
  blockers(planId?: string): Promise<readonly Blocker[] | undefined>
  group(groupId: string): Promise<DelegationGroup | undefined>
  /** Progress of the plans of a session, the newest first. Default: the event's session. */
  sessionPlans(sessionId?: string): Promise<readonly PlanProgress[] | undefined>
  /** What an agent has done. Default: this one, in the last 24 hours. */
  metrics(agent?: string, period?: MetricsPeriod): Promise<AgentMetrics>
}

const query = { limit: 200 }

export function createTrackerContext(handling: Handling): TrackerContext {
  const { tracker } = handling.clients
  const ofPlan = <Value>(planId: string | undefined, read: (call: { params: { planId: string } }) => Promise<Value>) =>
    planId === undefined ? undefined : absentAsUndefined(() => read({ params: { planId } }))
  const own = planOf(handling)
  return {
    progress: async (planId = own) => ofPlan(planId, (call) => tracker.plans.get(call)),
    tasks: async (planId = own) => (await ofPlan(planId, (call) => tracker.planTasks.list({ ...call, query })))?.items,
    timeline: async (planId = own) =>
      (await ofPlan(planId, (call) => tracker.planTimeline.list({ ...call, query })))?.items,
    hierarchy: async (planId = own) => ofPlan(planId, (call) => tracker.planHierarchy.get(call)),
    eta: async (planId = own) => ofPlan(planId, (call) => tracker.planEta.get(call)),
    blockers: async (planId = own) =>
      (await ofPlan(planId, (call) => tracker.planBlockers.list({ ...call, query })))?.items,
    group: async (groupId) =>
      (await absentAsUndefined(() => tracker.delegationGroups.get({ params: { groupId } })))?.group,
    sessionPlans: async (sessionId = handling.event.sessionid) =>
      sessionId === undefined ? undefined : (await tracker.sessionPlans.list({ params: { sessionId }, query })).items,
    metrics: async (agent = handling.agent.name, period) =>
      (await tracker.agents.metrics({ params: { name: agent }, query: withoutUndefined({ period }) })).metrics,
  }
}
