import { isProblem } from '@soma/kernel'
import type { Clients } from '@soma/sdk/clients'
import type { Blocker, Eta, PlanProgress } from '@soma/tracker/contract'
import { duration } from '../output/relative-time.ts'
import { fieldsView } from '../output/view.ts'
import type { Handling } from '../session.ts'
import { resolvePlan, taskLine } from './plans.ts'

interface Progress {
  /** Log time of the newest fact that is in the answer. */
  readonly asOf: string | null
  readonly lagMs: number
  readonly stale: boolean
  readonly plan: PlanProgress
  readonly eta: Eta | null
  /** Why there is no estimate. */
  readonly reason?: string
  /** The oldest ten. */
  readonly blockers: readonly Blocker[]
}

const view = fieldsView<Progress>(
  ({ plan, eta, reason, blockers, asOf, lagMs, stale }) => [
    { name: 'plan', value: plan.planId, kind: 'id' },
    { name: 'name', value: plan.name },
    { name: 'status', value: plan.status, kind: 'status' },
    { name: 'state', value: plan.currentState },
    { name: 'progress', value: `${Math.floor(plan.progress * 100)} %` },
    { name: 'tasks', value: taskLine(plan.counts) },
    { name: 'agents', value: plan.agents.length === 0 ? undefined : plan.agents.join(', ') },
    { name: 'done by', value: eta === null ? `unknown: ${reason}` : `${eta.p50At}, ${eta.p90At} at the latest` },
    ...blockers.map(({ name, detail }) => ({ name: 'blocked', value: `${name}: ${detail}` })),
    { name: 'as of', value: asOf },
    { name: 'stale', value: stale ? lateness(lagMs) : undefined },
  ],
  ({ plan }) => [plan.planId],
)

const lateness = (lagMs: number): string => `the tracker is ${duration(lagMs)} behind the log`

/** Shows how far a plan is, when it will be done and what it waits for, as the tracker knows it. */
export async function showProgress({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const planId = await resolvePlan(args[0] as string, clients)
  const progress = await readProgress(planId, clients)
  await session.printer.result(progress, view)
  if (progress.stale) session.printer.note(`this is stale: ${lateness(progress.lagMs)}`)
}

async function readProgress(planId: string, clients: Clients): Promise<Progress> {
  const { tracker } = clients
  const params = { planId }
  const answer = await tracker.plans.get({ params }).catch(async (error: unknown) => {
    if (!isProblem(error) || error.code !== 'not-found') throw error
    return tracker.plans.get({ params, query: { waitFor: await newestEvent(planId, clients) } })
  })
  const [{ eta, reason }, { items }] = await Promise.all([
    tracker.planEta.get({ params }),
    tracker.planBlockers.list({ params, query: { limit: 10 } }),
  ])
  return { ...answer, eta, ...(reason === undefined ? {} : { reason }), blockers: items }
}

/** Of a plan that was made a moment ago the tracker may not know yet. */
async function newestEvent(planId: string, { plans, events }: Clients): Promise<string> {
  await plans.plans.get({ params: { planId } })
  const { items } = await events.events.list({ query: { planId, limit: 1 } })
  return items[0]?.id ?? planId
}
