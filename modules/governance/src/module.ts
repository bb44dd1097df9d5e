import { defineModule, on } from '@soma/kernel'
import { governanceContract } from '../contract/index.ts'
import { cancelGatesOfPlan } from './gates/cancel-of-plan.ts'
import { createDecide, createDecideMany } from './gates/decide.ts'
import { createExpireGates } from './gates/expire.ts'
import { createGateChanges } from './gates/gate-changes.ts'
import { createOpenGate } from './gates/open.ts'
import { createGateService } from './gates/service.ts'
import type { GovernancePorts } from './ports.ts'

export type { GovernancePorts } from './ports.ts'

export const governanceModule = defineModule<typeof governanceContract, Record<never, never>, GovernancePorts>({
  contract: governanceContract,
  uses: {},
  migrations: new URL('../migrations/', import.meta.url),
  create: ({ database, settings, clock, ports }) => {
    const changes = createGateChanges()
    const { schemaCompiler } = ports
    const gates = createGateService({ database, changes, clock })
    const open = createOpenGate({ database, schemaCompiler, changes, clock, defaultDueMs: settings.gateDefaultDueMs })
    const decide = createDecide({ database, schemaCompiler, changes, clock })
    const decideMany = createDecideMany(decide)
    const expire = createExpireGates({ database, changes })
    return {
      operations: {
        gates: {
          open: (context, { body, newId: make }) => open(context, { body, gateId: body.gateId ?? make('gate') }),
          list: (context, { query }) => gates.list(context, query),
          stream: async (context, { query, lastEventId, signal }) =>
            gates.stream(context, { ...query, lastEventId, signal }),
          get: (context, { params }) => gates.get(context, params.gateId),
          decide: (context, { params, body }) => decide(context, params.gateId, body),
          decideMany: (context, { body }) => decideMany(context, body.votes),
          comment: (context, { params, body }) => gates.comment(context, params.gateId, body.text),
          cancel: (context, { params, body }) => gates.cancel(context, params.gateId, body.reason),
        },
      },
      handlers: ports.planEndings.map((ending) => on(ending, cancelGatesOfPlan)),
      jobs: [{ name: 'expire-gates', everyMs: settings.gateSweepMs, run: expire }],
    }
  },
})
