import type { eventsContract } from '@soma/events/contract'
import type { governanceContract } from '@soma/governance/contract'
import type { identityContract } from '@soma/identity/contract'
import { type BoundClient, buildBoundClient, type Transport } from '@soma/kernel'
import type { memoryContract } from '@soma/memory/contract'
import type { plansContract } from '@soma/plans/contract'
import type { registryContract } from '@soma/registry/contract'
import type { trackerContract } from '@soma/tracker/contract'

/** The clients that layer 2 stands on. */
export interface AgentClients {
  readonly events: BoundClient<typeof eventsContract>
  readonly registry: BoundClient<typeof registryContract>
  readonly plans: BoundClient<typeof plansContract>
  readonly governance: BoundClient<typeof governanceContract>
  readonly memory: BoundClient<typeof memoryContract>
  readonly tracker: BoundClient<typeof trackerContract>
  readonly identity: BoundClient<typeof identityContract>
}

/** Loads the contracts at the first start, so that importing the SDK stays cheap; answers a maker of clients over any transport. */
export async function loadAgentClients(): Promise<(transport: Transport) => AgentClients> {
  const [events, registry, plans, governance, memory, tracker, identity] = await Promise.all([
    import('@soma/events/contract'),
    import('@soma/registry/contract'),
    import('@soma/plans/contract'),
    import('@soma/governance/contract'),
    import('@soma/memory/contract'),
    import('@soma/tracker/contract'),
    import('@soma/identity/contract'),
  ])
  return (transport) => {
    const made: { -readonly [Name in keyof AgentClients]?: AgentClients[Name] } = {}
    return {
      get events() {
        return (made.events ??= buildBoundClient(events.eventsContract, transport))
      },
      get registry() {
        return (made.registry ??= buildBoundClient(registry.registryContract, transport))
      },
      get plans() {
        return (made.plans ??= buildBoundClient(plans.plansContract, transport))
      },
      get governance() {
        return (made.governance ??= buildBoundClient(governance.governanceContract, transport))
      },
      get memory() {
        return (made.memory ??= buildBoundClient(memory.memoryContract, transport))
      },
      get tracker() {
        return (made.tracker ??= buildBoundClient(tracker.trackerContract, transport))
      },
      get identity() {
        return (made.identity ??= buildBoundClient(identity.identityContract, transport))
      },
    }
  }
}
