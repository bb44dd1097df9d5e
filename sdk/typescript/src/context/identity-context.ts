import type { Me } from '@soma/identity/contract'
import { holds } from '@soma/kernel'
import type { Handling } from '../run/handling.ts'

/** In whose name this handler acts: the agent for the event's user, with the rights that both hold. */
export interface IdentityContext {
  /** The principal that calls, the user it calls for, tenant, space and rights. */
  me(): Promise<Me>
  /** Whether calls of this handler hold a capability such as `memory:forget`. A policy or budget may still refuse the action itself. */
  may(capability: string): Promise<boolean>
}

export function createIdentityContext({ clients }: Handling): IdentityContext {
  const me = () => clients.identity.me.get()
  return { me, may: async (capability) => holds(await me(), capability) }
}
