import { createSchemaCompiler } from '@soma/adapter-ajv'
import { eventsModule } from '@soma/events'
import { eventsContract } from '@soma/events/contract'
import { governanceModule } from '@soma/governance'
import { governanceContract } from '@soma/governance/contract'
import type { SqlSession } from '@soma/kernel'
import { plansModule } from '@soma/plans'
import { plansContract } from '@soma/plans/contract'
import { registryModule } from '@soma/registry'
import { registryContract } from '@soma/registry/contract'
import { createTestServer, type TestServer } from '@soma/server/testing'

const contracts = [governanceContract, eventsContract, registryContract, plansContract]
const reservedNouns = new Set(
  contracts.flatMap(({ events }) => events.map(({ type }) => type.slice(0, type.indexOf('.')))),
)

/** The real modules that agents stand on, over an embedded database in memory. For this package's own tests. */
export function startServerOfTests(settings: Readonly<Record<string, unknown>> = {}): Promise<TestServer> {
  const schemaCompiler = createSchemaCompiler()
  return createTestServer({
    modules: [governanceModule, eventsModule, registryModule, plansModule],
    settings,
    portsOf: ({ database, spine }) => ({
      governance: { schemaCompiler },
      registry: { schemaCompiler, platformEvents: contracts.flatMap(({ events }) => events) },
      events: {
        schemaCompiler,
        bus: spine.bus,
        reader: spine.tail,
        recorder: spine.emitter,
        busTransaction: (work: (session: SqlSession) => Promise<unknown>) =>
          database.transaction({ role: 'soma_bus' }, work),
        reservedNouns,
      },
    }),
  })
}
