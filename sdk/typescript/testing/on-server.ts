import { eventsContract } from '@soma/events/contract'
import { governanceContract } from '@soma/governance/contract'
import type { Client, Context, Contract, EventEnvelope, Logger } from '@soma/kernel'
import { plansContract } from '@soma/plans/contract'
import { registryContract } from '@soma/registry/contract'
import type { InProcessPlatform } from '../src/clients/connect.ts'
import type { RunningAgent, StartOptions } from '../src/run/agent-runtime.ts'

/** A server of tests: `createTestServer` of apps/server. */
export interface ServerOfTests extends InProcessPlatform {
  readonly url: string
  client<C extends Contract>(contract: C): Client<C>
  headersOf(context: Context): Record<string, string>
}

export interface Startable {
  start(options: StartOptions): Promise<RunningAgent>
}

/** Where agents of a test run: beside the platform, as strangers over HTTP, or on the platform in memory. */
export type Home = 'in process' | 'over HTTP' | 'in memory'

/** One tenant on a server: starts agents as one principal, acts as one user. */
export function aTenantOn(server: ServerOfTests, by: { home: Home; agent: Context; user: Context; log: Logger }) {
  const running: RunningAgent[] = []
  const clients = {
    events: server.client(eventsContract),
    plans: server.client(plansContract),
    governance: server.client(governanceContract),
    registry: server.client(registryContract),
  }
  const connection = (platform: InProcessPlatform = server): StartOptions => ({
    headers: server.headersOf(by.agent),
    log: by.log,
    ...(by.home === 'over HTTP' ? { url: server.url } : { platform }),
  })
  return {
    user: by.user,
    agent: by.agent,
    clients,
    connection,
    async start(agent: Startable, options: Partial<StartOptions> = {}): Promise<RunningAgent> {
      const started = await agent.start({ ...connection(), ...options })
      running.push(started)
      return started
    },
    /** Sends a request `<type>.requested` that asks for `<type>.completed`. */
    request: (type: string, data: unknown, correlationId: string) =>
      clients.events.events.publish(by.user, {
        body: {
          type: `${type}.requested`,
          topic: 'action-requests',
          data: data as never,
          correlationId,
          responseType: `${type}.completed`,
          responseTopic: 'action-results',
        },
      }),
    /** The first event of a type with a correlation. */
    async reply(type: string, correlationId: string, timeoutMs = 15_000): Promise<EventEnvelope> {
      const query = { topics: 'action-results', types: type, correlationId, from: 'earliest' }
      const signal = AbortSignal.timeout(timeoutMs)
      for await (const frame of await clients.events.events.stream(by.user, { query, signal })) {
        if (frame.event === 'event') return frame.data as EventEnvelope
      }
      throw new Error(`no ${type} with correlation ${correlationId} came in ${timeoutMs} ms`)
    },
    async stop(): Promise<void> {
      await Promise.all(running.splice(0).map((agent) => agent.stop()))
    },
  }
}

/** Reads until there is something to read. */
export async function until<Value>(read: () => Promise<Value | undefined>): Promise<Value> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const value = await read()
    if (value !== undefined) return value
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it never came')
}
