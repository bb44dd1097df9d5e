import type { FailureProblem, Group } from './group.ts'
import type { Member } from './held-event.ts'
import { lapse } from './ticking.ts'

/** Members whose right to their deliveries ended: all of a principal that was revoked, or those of an agent's process that gave no sign of life. */
export type Dismissed = { readonly tenantId: string } & (
  | { readonly principalId: string }
  | { readonly agentInstanceId: string }
)

/** Their streams are closed, and what is leased to them goes to others at once (EVT-R30). What is being settled or leased at this moment follows with the next tick. */
export function dismiss(group: Group, who: Dismissed): void {
  if (group.config.tenantId !== who.tenantId) return
  for (const member of group.members.values()) if (isOf(member, who)) end(group, member, who)
  group.assign()
}

const isOf = (member: Member, who: Dismissed): boolean =>
  'principalId' in who ? member.principalId === who.principalId : member.agentInstanceId === who.agentInstanceId

function end(group: Group, member: Member, who: Dismissed): void {
  const [problem, reason] = 'principalId' in who ? ([REVOKED, 'revoked'] as const) : ([EXPIRED, 'expired'] as const)
  for (const pull of group.pulls.filter((waiter) => waiter.member === member)) pull.resolve([])
  group.pulls = group.pulls.filter((waiter) => waiter.member !== member)
  for (const held of member.inFlight.values()) lapse(group, held, problem, reason)
  member.sink?.end(problem.detail)
  member.sink = undefined
  member.host = undefined
  member.graceUntilMs = 0
}

const REVOKED: FailureProblem = {
  code: 'unavailable',
  detail: 'the principal of the member was revoked',
  status: 503,
  retryable: true,
}
const EXPIRED: FailureProblem = {
  code: 'unavailable',
  detail: 'the process of the agent gave no sign of life',
  status: 503,
  retryable: true,
}
