import type { Decider, GateDecision, Requirement } from '../../contract/index.ts'

/** Somebody at a gate: who they are, what they hold there, and whether a person. */
export interface Voter {
  readonly principalId: string
  readonly roles: readonly string[]
  readonly isHuman: boolean
}

export interface CountedVote extends Voter {
  readonly decision: GateDecision
}

export interface Terms {
  readonly requirements: readonly Requirement[]
  readonly rejectPolicy: 'any' | 'majority'
  readonly requesterId: string
}

/** Whether a voter counts towards a requirement. */
export function meets(requirement: Requirement, voter: Voter, requesterId: string): boolean {
  if (requirement.excludeRequester && voter.principalId === requesterId) return false
  return requirement.deciders.length === 0 || requirement.deciders.some((decider) => names(decider, voter))
}

const names = (decider: Decider, voter: Voter): boolean =>
  'role' in decider ? voter.roles.includes(decider.role) : decider.principal === voter.principalId

export const mayVote = ({ requirements, requesterId }: Terms, voter: Voter): boolean =>
  requirements.some((requirement) => meets(requirement, voter, requesterId))

/**
 * The outcome of the votes of one round, or undefined while it is open: approved when every requirement is met, rejected when one cannot be met any more.
 * A `revise` works like a rejection with another name, unless somebody rejects outright.
 */
export function tally(terms: Terms, votes: readonly CountedVote[]): 'approved' | 'rejected' | 'revise' | undefined {
  const results = terms.requirements.map((requirement) => resultOf(requirement, terms, votes))
  if (results.includes('rejected')) return 'rejected'
  if (results.includes('revise')) return 'revise'
  return results.every((result) => result === 'approved') ? 'approved' : undefined
}

function resultOf(requirement: Requirement, { rejectPolicy, requesterId }: Terms, votes: readonly CountedVote[]) {
  const counted = votes.filter((vote) => meets(requirement, vote, requesterId))
  const against = counted.filter(({ decision }) => decision === 'reject' || decision === 'revise')
  const limit = rejectPolicy === 'any' ? 1 : requirement.quorum
  if (against.length >= limit || isHopeless(requirement, counted, requesterId)) {
    return against.some(({ decision }) => decision === 'reject') || against.length === 0 ? 'rejected' : 'revise'
  }
  const approvals = counted.filter(({ decision }) => decision === 'approve')
  const humans = approvals.filter(({ isHuman }) => isHuman).length
  return approvals.length >= requirement.quorum && humans >= requirement.humans ? 'approved' : undefined
}

/** Where every decider is named and has voted, too few approvals stay too few. Holders of a role are not counted: there may always be one more. */
function isHopeless(requirement: Requirement, counted: readonly CountedVote[], requesterId: string): boolean {
  const named = requirement.deciders.flatMap((decider) => ('principal' in decider ? [decider.principal] : []))
  if (named.length === 0 || named.length < requirement.deciders.length) return false
  const able = named.filter((principal) => !(requirement.excludeRequester && principal === requesterId))
  const open = able.filter(
    (principal) => !counted.some((vote) => vote.principalId === principal && vote.decision !== 'approve'),
  )
  return open.length < requirement.quorum
}
