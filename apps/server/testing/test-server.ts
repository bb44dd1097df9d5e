import {
  type AnyModule,
  type Client,
  type Contract,
  type Context,
  buildClient,
  type Database,
  NO_CONSTITUTION,
  newTraceparent,
  silentLogger,
} from '@soma/kernel'
import type { RequestCredentials } from '@soma/runtime'
import type { Bindings } from '../src/platform.ts'
import { type RunningServer, startServer } from '../src/start-server.ts'

export interface TestServerOptions {
  /** Modules under test with those they use. */
  readonly modules: readonly AnyModule[]
  /** Ports by module name. */
  readonly portsOf?: (bindings: Bindings) => Readonly<Record<string, unknown>>
  /** Settings by full key: `{ 'plans.leaseMs': 1000 }`. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Default: an embedded database in memory, or native Postgres where `settings['server.databaseUrl']` names it. */
  readonly database?: Database
  /** Default `header`: the caller is the context in the header `Test-Context` (see `headersOf`). `identity`: callers are proven by the identity module. */
  readonly authentication?: 'header' | 'identity'
}

export interface TestServer extends RunningServer {
  /** A client over direct calls: `server.client(plansContract).plans.create(testContext(), { body })`. */
  client<C extends Contract>(contract: C): Client<C>
  /** HTTP headers that make a request act as a context (`authentication: 'header'`). */
  headersOf(context: Context): Record<string, string>
}

/** A real server on a free port of 127.0.0.1 over an in-memory database: real routes, event log, handlers and jobs. */
export async function createTestServer(options: TestServerOptions): Promise<TestServer> {
  const server = await startServer({
    platform: { modules: options.modules, portsOf: options.portsOf ?? (() => ({})) },
    sources: {
      flags: {
        mode: 'test',
        'server.port': 0,
        'server.dataDirectory': 'memory',
        'server.graceMs': 2_000,
        ...options.settings,
      },
    },
    log: silentLogger,
    ...(options.database === undefined ? {} : { database: options.database }),
    ...(options.authentication === 'identity' ? {} : { authenticate: contextFromHeader }),
  })
  return { ...server, client: (contract) => buildClient(contract, server.transport), headersOf }
}

export const headersOf = (context: Context): Record<string, string> => ({
  'test-context': Buffer.from(JSON.stringify(context)).toString('base64url'),
})

async function contextFromHeader({ headers, traceparent }: RequestCredentials): Promise<Context> {
  const encoded = headers['test-context']
  if (encoded === undefined) return { ...testContext({ capabilities: [] }), method: 'none', traceparent }
  return { ...(JSON.parse(Buffer.from(encoded, 'base64url').toString()) as Context), traceparent }
}

/** A proven caller: by default user `usr-a` of tenant `tenant-a` with every capability. */
export function testContext(
  who: {
    tenantId?: string
    userId?: string
    spaceId?: string
    kind?: Context['principal']['kind']
    principalId?: string
    roles?: readonly string[]
    capabilities?: readonly string[]
  } = {},
): Context {
  const userId = who.userId ?? 'usr-a'
  return {
    tenantId: who.tenantId ?? 'tenant-a',
    spaceId: who.spaceId ?? '',
    principal: {
      id: who.principalId ?? userId,
      kind: who.kind ?? 'user',
      roles: who.roles ?? ['AgentAdmin'],
      capabilities: who.capabilities ?? ['*'],
    },
    userId,
    actors: [],
    method: 'token',
    region: 'local',
    constitutionHash: NO_CONSTITUTION,
    traceparent: newTraceparent(),
  }
}
