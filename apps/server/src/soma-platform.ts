import { createSchemaCompiler } from '@soma/adapter-ajv'
import { eventsModule } from '@soma/events'
import { governanceModule } from '@soma/governance'
import { identityModule } from '@soma/identity'
import { plansModule } from '@soma/plans'
import { registryModule } from '@soma/registry'
import { trackerModule } from '@soma/tracker'
import { type Bindings, contractsOf, type Platform } from './platform.ts'

/** Soma: every module, in the order in which their migrations run. */
export const somaPlatform: Platform = {
  modules: [identityModule, governanceModule, eventsModule, registryModule, plansModule, trackerModule],
  portsOf: () => {
    const schemaCompiler = createSchemaCompiler()
    return {
      registry: { schemaCompiler, platformEvents: contractsOf(somaPlatform).flatMap(({ events }) => events) },
    }
  },
}
