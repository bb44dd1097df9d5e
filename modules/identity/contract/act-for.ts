import { type Context, holds } from '@soma/kernel'
import { expandCapabilities, INFRASTRUCTURE_CAPABILITIES } from './capabilities.ts'

/** For whom, and in which matter: what a leased delivery says. */
export interface ActingFor {
  readonly userId: string
  readonly spaceId: string
  /** What the user holds now. */
  readonly userCapabilities: readonly string[]
  /** The agents before this one, nearest first. */
  readonly actors?: readonly string[]
  readonly cause?: NonNullable<Context['cause']>
}

/** A chain of more actors than this is refused. */
const MAXIMUM_ACTORS = 5

/**
 * The context of an agent that acts for a user: it holds what both hold, plus those of its own capabilities that are infrastructure (IDN-R38).
 * Acting for somebody again narrows again, so nothing that was lost comes back.
 * @throws RangeError when the chain has more than 5 actors.
 */
export function actFor(context: Context, matter: ActingFor): Context {
  const actors = [...new Set([...(matter.actors ?? []), ...context.actors])]
  if (actors.length > MAXIMUM_ACTORS)
    throw new RangeError(`the chain has ${actors.length} actors, at most ${MAXIMUM_ACTORS} are allowed`)
  const user = { capabilities: matter.userCapabilities }
  const capabilities = expandCapabilities(context.principal.capabilities).filter(
    (capability) => INFRASTRUCTURE_CAPABILITIES.includes(capability) || holds(user, capability),
  )
  return {
    ...context,
    spaceId: matter.spaceId,
    userId: matter.userId,
    principal: { ...context.principal, capabilities },
    actors,
    ...(matter.cause === undefined ? {} : { cause: matter.cause }),
  }
}
