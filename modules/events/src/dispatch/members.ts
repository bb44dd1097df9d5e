import { commonProblems } from '@soma/kernel'
import type { Member } from './held-event.ts'

export const memberIdInUse = (id: string) =>
  commonProblems.conflict.create(`the member id ${id} is in use; make a new one`)

export type Members = Map<string, Member>

/** @throws conflict when the member id belongs to another principal. */
export function memberOf(members: Members, id: string, principalId: string): Member {
  const known = members.get(id)
  if (known !== undefined) {
    if (known.principalId === principalId) return known
    throw memberIdInUse(id)
  }
  const member: Member = {
    id,
    principalId,
    agentInstanceId: undefined,
    credits: 0,
    inFlight: new Map(),
    sink: undefined,
    host: undefined,
    graceUntilMs: Number.POSITIVE_INFINITY,
  }
  members.set(id, member)
  return member
}

/** The connected member with the most free credits, relative to none: work spreads evenly. */
export function freeMember(members: Members): Member | undefined {
  let best: Member | undefined
  let bestFree = 0
  for (const member of members.values()) {
    if (member.sink === undefined) continue
    const free = member.credits - member.inFlight.size
    if (free > bestFree) [best, bestFree] = [member, free]
  }
  return best
}
