import { createSchemaCompiler } from '@soma/adapter-ajv'
import { createRs256Signer } from '@soma/adapter-jose'
import { soormaEdge } from '@soma/edge-soorma'
import { eventsModule } from '@soma/events'
import { governanceModule } from '@soma/governance'
import { identityModule } from '@soma/identity'
import type { SqlSession } from '@soma/kernel'
import { memoryModule } from '@soma/memory'
import { plansModule } from '@soma/plans'
import { planEvents } from '@soma/plans/contract'
import { registryModule } from '@soma/registry'
import { announceReplays, createOutgoing, createTextSeal, oldestWaiting } from '@soma/runtime'
import { trackerModule } from '@soma/tracker'
import { setupCodeWriter } from './installation.ts'
import { contractsOf, type Platform } from './platform.ts'
import { outgoingRules } from './outgoing-rules.ts'
import type { ServerSettings } from './server-contract.ts'
import { VERSION } from './version.ts'

/** Soma: every module and edge, in the order in which their migrations run. */
export const somaPlatform: Platform = {
  modules: [
    identityModule,
    governanceModule,
    eventsModule,
    registryModule,
    plansModule,
    trackerModule,
    memoryModule,
    soormaEdge,
  ],
  portsOf: ({ database, spine, tokenCodec, encryptionKey, configuration, draining, bus, rights }) => {
    const schemaCompiler = createSchemaCompiler()
    const settings = configuration.of('server') as ServerSettings
    return {
      identity: {
        tokenCodec,
        dialectSigners: { soorma: createRs256Signer('soorma') },
        encryptionKey,
        issuer: settings.publicUrl,
        clusterSecret: settings.clusterSecret === '' ? undefined : settings.clusterSecret,
        allowInsecureListen: settings.allowInsecureListen,
        writeSetupCode: setupCodeWriter(settings),
      },
      governance: { schemaCompiler, planEndings: [planEvents.failed, planEvents.cancelled] },
      registry: {
        schemaCompiler,
        reader: spine.tail,
        platformEvents: contractsOf(somaPlatform).flatMap(({ events }) => events),
        installation: { version: VERSION, url: settings.publicUrl, bus },
      },
      tracker: {
        reader: spine.tail,
        oldestWaiting: (tenantId: string) => oldestWaiting(database, 'module:tracker', tenantId),
      },
      soorma: {
        version: VERSION,
        publicUrl: settings.publicUrl,
        isProduction: configuration.mode.startsWith('production'),
        bus,
        reservedNouns: reservedNouns(),
        draining,
      },
      events: {
        schemaCompiler,
        bus: spine.bus,
        reader: spine.tail,
        recorder: spine.emitter,
        outboxRows: spine.outboxRows,
        erasures: spine.erasures,
        busTransaction: (work: (session: SqlSession) => Promise<unknown>) =>
          database.transaction({ role: 'soma_bus' }, work),
        // Nobody else can open the directory of the embedded engine.
        ...(database.engine === 'postgres' ? { nodes: database } : {}),
        draining,
        wakeModuleGroup: (group: string) => announceReplays(database, group),
        outgoing: createOutgoing(outgoingRules(configuration)),
        ...(rights === undefined ? {} : { holds: rights }),
        textSeal: createTextSeal(encryptionKey, 'push secrets'),
        origin: new URL(settings.publicUrl).host,
        reservedNouns: reservedNouns(),
      },
    }
  },
}

/** First segments of the types that our contracts declare: a tenant cannot define types under them. */
function reservedNouns(): ReadonlySet<string> {
  const types = contractsOf(somaPlatform).flatMap(({ events }) => events.map(({ type }) => type))
  return new Set(types.map((type) => type.slice(0, type.indexOf('.'))))
}
