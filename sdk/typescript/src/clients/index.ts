import { eventsContract } from '@soma/events/contract'
import { governanceContract } from '@soma/governance/contract'
import { identityContract } from '@soma/identity/contract'
import { type BoundClient, buildBoundClient, type Transport } from '@soma/kernel'
import { memoryContract } from '@soma/memory/contract'
import { plansContract } from '@soma/plans/contract'
import { registryContract } from '@soma/registry/contract'
import { trackerContract } from '@soma/tracker/contract'
import { type ConnectOptions, connect, type InProcessPlatform } from './connect.ts'

export type { CallName, ConnectOptions, Connection, InProcessPlatform } from './connect.ts'
export { connect } from './connect.ts'

/** A typed client of every operation of the platform. Calls throw `Problem`. */
export interface Clients {
  readonly identity: BoundClient<typeof identityContract>
  readonly governance: BoundClient<typeof governanceContract>
  readonly events: BoundClient<typeof eventsContract>
  readonly registry: BoundClient<typeof registryContract>
  readonly plans: BoundClient<typeof plansContract>
  readonly memory: BoundClient<typeof memoryContract>
  readonly tracker: BoundClient<typeof trackerContract>
}

export interface ClientOptions {
  /** `http://host:port`. Default http://127.0.0.1:4000. */
  readonly url?: string
  /** How the caller proves itself. */
  readonly auth?: Pick<ConnectOptions, 'apiKey' | 'token' | 'headers'>
  readonly fetch?: typeof globalThis.fetch
}

/** Clients over HTTP and SSE. Not for agents: their contexts give what they need, bound to the event they handle. */
export const createClients = ({ url, auth, fetch }: ClientOptions = {}): Clients =>
  clientsOver(connect({ url, fetch, ...auth })())

/** The same clients, straight to a platform in this process. */
export const createInProcessClients = (platform: InProcessPlatform, auth: ClientOptions['auth'] = {}): Clients =>
  clientsOver(connect({ platform, ...auth })())

export const clientsOver = (transport: Transport): Clients => ({
  identity: buildBoundClient(identityContract, transport),
  governance: buildBoundClient(governanceContract, transport),
  events: buildBoundClient(eventsContract, transport),
  registry: buildBoundClient(registryContract, transport),
  plans: buildBoundClient(plansContract, transport),
  memory: buildBoundClient(memoryContract, transport),
  tracker: buildBoundClient(trackerContract, transport),
})
