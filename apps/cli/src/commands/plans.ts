import { withoutUndefined } from '@soma/kernel'
import type { Plan, PlanStatus } from '@soma/plans/contract'
import type { Clients } from '@soma/sdk/clients'
import { fieldsView, pageView } from '../output/view.ts'
import { resolveId } from '../resolve-id.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'

const listView = pageView<Plan>(
  [
    { title: 'plan', of: ({ planId }) => planId, kind: 'id' },
    { title: 'status', of: ({ status }) => status, kind: 'status' },
    { title: 'tasks', of: ({ counts }) => `${endedTasks(counts)}/${counts.total}` },
    { title: 'made', of: ({ createdAt }) => createdAt, kind: 'time' },
    { title: 'title', of: ({ title }) => title, kind: 'text' },
  ],
  ({ planId }) => planId,
)

export const planView = fieldsView<Plan>(
  (plan) => [
    { name: 'plan', value: plan.planId, kind: 'id' },
    { name: 'title', value: plan.title },
    { name: 'status', value: plan.status, kind: 'status' },
    { name: 'state', value: plan.currentState },
    { name: 'tasks', value: taskLine(plan.counts) },
    { name: 'problem', value: plan.problem === undefined ? undefined : `${plan.problem.code}: ${plan.problem.detail}` },
    { name: 'reason', value: plan.stopReason },
    { name: 'owner', value: plan.ownerId },
    { name: 'cost', value: `${costOf(plan.spent)}, ${plan.spent.tokens} tokens` },
    { name: 'made', value: plan.createdAt },
    { name: 'ended', value: plan.endedAt },
  ],
  ({ planId }) => [planId],
)

const endedTasks = ({ completed, failed, cancelled }: Plan['counts']): number => completed + failed + cancelled

/** `3 completed, 1 running`; the words of the statuses that have tasks. */
export function taskLine({ total, ...byStatus }: Plan['counts']): string {
  const parts = Object.entries(byStatus).filter(([, count]) => count > 0)
  return parts.length === 0 ? 'none' : `${parts.map(([status, count]) => `${count} ${status}`).join(', ')} of ${total}`
}

const costOf = ({ costMicros, currency }: Plan['spent']): string => `${(costMicros / 1_000_000).toFixed(2)} ${currency}`

/** Finds a plan by a tail of its id. */
export const resolvePlan = (text: string, clients: Clients): Promise<string> =>
  resolveId(text, {
    prefix: 'plan',
    noun: 'plan',
    page: async (cursor) => {
      const { items, nextCursor } = await clients.plans.plans.list({
        query: { limit: 200, ...withoutUndefined({ cursor }) },
      })
      return { ids: items.map(({ planId }) => planId), nextCursor }
    },
  })

export async function listPlans({
  session,
  flags,
}: Handling<PageFlags & { status?: PlanStatus; search?: string }>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, status, search } = flags
  const page = await clients.plans.plans.list({ query: withoutUndefined({ limit, cursor, status, q: search }) })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function getPlan({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const planId = await resolvePlan(args[0] as string, clients)
  await session.printer.result(await clients.plans.plans.get({ params: { planId } }), planView)
}
