import { defineModule, use } from '@soma/kernel'
import { plansContract } from '@soma/plans/contract'
import { memoryContract } from '../contract/index.ts'
import { createContextBuilder } from './context/build.ts'
import { createRetrieve } from './context/retrieve.ts'
import { createEpisodeService } from './episodes/service.ts'
import { createFactService } from './facts/service.ts'
import { createForget } from './forgetting/service.ts'
import { handlersOf } from './handlers.ts'
import { createItemReads } from './items/list.ts'
import { createRecall } from './items/recall.ts'
import { createRemember } from './items/remember.ts'
import { createLinkService } from './links/service.ts'
import { createSelect } from './procedures/select.ts'
import { createProcedureService } from './procedures/service.ts'
import { createMemoryDatabase } from './scopes/memory-database.ts'
import { createPlanAccess } from './scopes/plan-access.ts'
import { createSweep } from './scopes/plan-ends.ts'
import { createUsage } from './usage/service.ts'
import { createWorkingService } from './working/service.ts'

/** Composition only. */
export const memoryModule = defineModule({
  contract: memoryContract,
  uses: { plans: use(plansContract, { 'plans.get': ['plan:read'] }) },
  migrations: new URL('../migrations/', import.meta.url),
  create: ({ database, clients, clock, settings }) => {
    const planAccess = createPlanAccess(clients.plans, () => clock.now())
    const memory = createMemoryDatabase({ database, planAccess })
    const { secretPolicy } = settings
    const working = createWorkingService({ memory, limits: settings })
    const remember = createRemember({ memory, working, clock, secretPolicy, limits: settings })
    const recall = createRecall({ memory, clock, settings })
    const retrieve = createRetrieve({ memory, clock, settings })
    const buildContext = createContextBuilder({ memory, clock, settings })
    const items = createItemReads({ memory })
    const forget = createForget({ memory, database })
    const facts = createFactService({ memory, database, remember, secretPolicy })
    const episodes = createEpisodeService({ memory, remember })
    const procedures = createProcedureService({ memory, database, remember })
    const select = createSelect({ memory, clock, settings })
    const links = createLinkService({ memory })
    const usage = createUsage({ memory, limits: settings })
    return {
      operations: {
        items: {
          remember: async (context, { body, newId }) => ({
            results: await remember(context, body.items, { atomic: body.atomic, newId }),
            durability: 'durable' as const,
          }),
          recall: (context, { body }) => recall(context, body),
          retrieve: (context, { body }) => retrieve(context, body),
          list: (context, { query }) => items.list(context, query),
          get: (context, { params, query }) => items.get(context, params.itemId, query.planId),
          history: (context, { params, query }) => items.history(context, params.itemId, query),
          forget: (context, { body }) => forget(context, body),
        },
        context: { build: (context, { body }) => buildContext(context, body) },
        facts: {
          create: (context, { body, newId }) => facts.create(context, body, newId),
          list: (context, { query }) => facts.list(context, query),
          get: (context, { params, query }) => facts.get(context, params.factId, query.planId),
          update: (context, { params, query, body, ifMatch, newId }) =>
            facts.update(context, { ...params, planId: query.planId, version: ifMatch }, { body, newId }),
          delete: (context, { params, query, ifMatch }) =>
            facts.delete(context, { ...params, planId: query.planId, version: ifMatch }),
        },
        episodes: {
          create: (context, { body, newId }) => episodes.create(context, body, newId),
          list: (context, { query }) => episodes.list(context, query),
          get: (context, { params, query }) => episodes.get(context, params.episodeId, query.planId),
          window: (context, { params, query }) => episodes.window(context, params.episodeId, query),
        },
        procedures: {
          create: (context, { body, newId }) => procedures.create(context, body, newId),
          list: (context, { query }) => procedures.list(context, query),
          get: (context, { params, query }) => procedures.get(context, params.procedureId, query.planId),
          activate: (context, { params, query }) => procedures.activate(context, params.procedureId, query.planId),
          retire: (context, { params, query }) => procedures.retire(context, params.procedureId, query.planId),
          select: (context, { body }) => select(context, body),
        },
        feedback: { create: (context, { body }) => procedures.tell(context, body) },
        working: {
          list: (context, { params, query }) => working.list(context, params, query),
          get: (context, { params }) => working.get(context, params),
          put: (context, { params, body, ifMatch }) => working.put(context, params, { body, ifMatch }),
          delete: async (context, { params, ifMatch }) => {
            await working.delete(context, params, ifMatch)
            return undefined
          },
          clear: (context, { params }) => working.clear(context, params),
          apply: (context, { params, body, idempotencyKey }) =>
            working.apply(context, params, { change: body, idempotencyKey }),
        },
        links: {
          create: (context, { body, newId }) => links.create(context, body, newId),
          list: (context, { query }) => links.list(context, query),
          delete: (context, { params, query }) => links.delete(context, params.linkId, query.planId),
          expand: (context, { body }) => links.expand(context, body),
        },
        usage: { get: (context) => usage(context) },
      },
      handlers: handlersOf(settings),
      jobs: [{ name: 'sweep', everyMs: 1000, run: createSweep({ database }) }],
    }
  },
})
