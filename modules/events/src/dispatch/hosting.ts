import { toUuid } from '@soma/kernel'
import type { FrameSink } from './frame-queue.ts'
import { tellGaps } from './gaps.ts'
import { type Group, nowMs } from './group.ts'
import type { HeldEvent, Member } from './held-event.ts'
import { memberOf } from './members.ts'
import type { Nodes, Notice, StreamOfMember } from './nodes.ts'
import { LEASE_MS } from './presence.ts'
import { pull } from './pulling.ts'

type Of<Op extends Notice['op']> = Extract<Notice, { op: Op }>

/** Serves members whose connection is at another process: that is told which deliveries are leased to them and writes the frames. */
export function serveRemote(group: Group, notice: Notice, nodes: Nodes): void {
  if (notice.op === 'join') join(group, notice, nodes)
  else if (notice.op === 'leave') leave(group, notice)
  else if (notice.op === 'credits') giveCredits(group, notice)
  else if (notice.op === 'pull') pullRemote(group, notice, nodes)
}

function join(group: Group, notice: Of<'join'>, nodes: Nodes): void {
  const { subscriptionId, memberId, stream, from } = notice
  const end = (reason: string) => nodes.tell(from, { op: 'end', subscriptionId, memberId, stream, reason })
  const known = group.members.get(memberId)
  if (known !== undefined && known.principalId !== notice.principalId)
    return end('the member id is in use; make a new one')
  const member = memberOf(group.members, memberId, notice.principalId)
  const isHere = member.host?.stream === stream && member.sink !== undefined
  // A stream that was replaced and does not know yet.
  if (!isHere && !notice.isNew && member.sink !== undefined) return end(REPLACED)
  member.graceUntilMs = nowMs(group) + Math.max(group.config.memberGraceMs, LEASE_MS)
  if (isHere) return
  member.sink?.end(REPLACED)
  const sink = createRemoteSink(nodes, from, { subscriptionId, memberId, stream })
  member.sink = sink
  member.host = { node: from, stream }
  member.credits = notice.credits
  member.agentInstanceId = notice.agentInstanceId
  const again = [...member.inFlight.values()].filter(({ deliveryId }) => group.leased.has(deliveryId))
  for (const held of again) sink.again(held)
  void tellGaps(group)
  group.assign()
}

export const REPLACED = 'replaced by a newer stream of the same member'
export const ELSEWHERE = 'another process dispatches this subscription now: connect again'

/** The stream of the member ended: its leases wait for it to come back. */
export function disconnect(group: Group, member: Member): void {
  member.sink = undefined
  member.host = undefined
  member.graceUntilMs = nowMs(group) + group.config.memberGraceMs
  if (member.inFlight.size === 0) group.members.delete(member.id)
}

function leave(group: Group, { memberId, stream }: Of<'leave'>): void {
  const member = group.members.get(memberId)
  if (member?.host?.stream === stream) disconnect(group, member)
}

export function giveCredits(group: Group, given: { memberId: string; principalId: string; credits: number }): void {
  const member = group.members.get(given.memberId)
  if (member?.principalId !== given.principalId) return
  member.credits = given.credits
  group.assign()
}

function pullRemote(group: Group, notice: Of<'pull'>, nodes: Nodes): void {
  const { subscriptionId, memberId, principalId, request, from } = notice
  const answer = (ids: readonly string[]) => nodes.tell(from, { op: 'pulled', subscriptionId, request, ids })
  const known = group.members.get(memberId)
  if (known !== undefined && known.principalId !== principalId) return answer([])
  const member = memberOf(group.members, memberId, principalId)
  pull(group, member, { max: notice.max, waitMs: notice.waitMs, ends: [] }).then(
    (deliveries) => answer(deliveries.map(({ deliveryId }) => toUuid('dlv', deliveryId) as string)),
    (error: unknown) => {
      group.dependencies.log.warn('leases cannot be written', { subscription: group.config.id, error })
      answer([])
    },
  )
}

/** Deliveries of one turn go in one notice. */
function createRemoteSink(
  nodes: Nodes,
  node: string,
  to: StreamOfMember,
): FrameSink & { again(held: HeldEvent): void } {
  const waiting = { again: [] as string[], fresh: [] as string[] }
  const add = (kind: keyof typeof waiting, deliveryId: string) => {
    if (waiting[kind].push(deliveryId) > 1) return
    queueMicrotask(() => {
      const ids = waiting[kind].splice(0)
      nodes.tell(node, { op: 'deliver', ...to, ids, isAgain: kind === 'again' })
    })
  }
  return {
    again: ({ deliveryId }) => add('again', deliveryId),
    push: (frame) => {
      if (frame.event === 'closed') return
      if (frame.event === 'gap') return nodes.tell(node, { op: 'gap', ...to, gap: frame.data })
      const deliveryId = toUuid('dlv', frame.data.deliveryId) as string
      if (frame.event === 'delivery') add('fresh', deliveryId)
      else nodes.tell(node, { op: 'lease-lost', ...to, deliveryId, reason: frame.data.reason })
    },
    end: (reason) => nodes.tell(node, { op: 'end', ...to, reason }),
  }
}
