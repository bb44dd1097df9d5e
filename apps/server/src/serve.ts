import type { eventsContract } from '@soma/events/contract'
import type { SettingValues, Topic } from '@soma/kernel'
import {
  closeHttpServer,
  type Composition,
  createEventMaintenance,
  createExecute,
  createHttpServer,
  createIdempotencyStore,
  createJobs,
} from '@soma/runtime'
import type { Assembled } from './assemble.ts'
import { serveAsyncApi } from './asyncapi.ts'
import { createAuthenticate } from './authenticate.ts'
import { forwardToOthers } from './gateway.ts'
import { startHandlers } from './handlers.ts'
import { createMembership } from './join.ts'
import { type Close, closeAll } from './opened.ts'
import { servePage } from './page.ts'
import { createReadiness } from './readiness.ts'
import type { RunningServer } from './start-server.ts'
import { VERSION } from './version.ts'

/** Listens, takes events and runs jobs, until it is stopped; `opened` takes how to close each. */
export async function serve(assembled: Assembled, opened: Close[]): Promise<RunningServer> {
  const { composition, configuration, settings, database, spine, log, metrics, modules, processId, drain } = assembled
  const { key } = assembled
  const membership = createMembership({ settings, modules, key, processId, transport: composition.transport, log })
  opened.push(async () => membership.stop())
  const readiness = createReadiness({
    composition,
    database,
    spine,
    own: membership.ready,
    isDraining: () => drain.signal.aborted,
  })
  const authenticate =
    assembled.options.authenticate ??
    createAuthenticate({
      transport: composition.transport,
      contextTokens: assembled.contextTokens,
      region: settings.region,
      isIdentityRemote: !modules.includes('identity'),
    })
  const app = createHttpServer({
    operations: composition.operations,
    contracts: assembled.contracts,
    version: VERSION,
    execute: createExecute({ log }),
    authenticate,
    idempotency: createIdempotencyStore({
      database,
      processId,
      singleProcess: database.engine === 'pglite',
      encryptionKey: assembled.encryptionKey,
    }),
    ready: readiness,
    log,
    metrics,
    drain: drain.signal,
  })
  await servePage(app)
  serveAsyncApi(app, assembled.contracts, { version: VERSION, url: settings.publicUrl, bus: assembled.bus })
  await forwardToOthers(app, { contracts: assembled.contracts, moduleUrls: settings.moduleUrls, drain: drain.signal })
  for (const module of composition.modules) {
    opened.push(() => module.stop())
    await module.start()
  }
  const closeHttp = once(() => closeHttpServer(app, settings.graceMs))
  opened.push(closeHttp)
  const url = await app.listen({ host: settings.host, port: settings.port })
  await membership.join()
  const handlers = await startHandlers({
    composition,
    database,
    spine,
    partitions: assembled.partitions,
    region: settings.region,
    log,
    metrics,
  })
  const jobs = createJobs({ database, processId, log, jobs: [...jobsOf(composition), ...maintenanceOf(assembled)] })
  jobs.start()

  const stop = async () => {
    drain.abort()
    const { graceMs } = settings
    try {
      await Promise.all([closeHttp(), jobs.stop(graceMs), handlers.stop(graceMs)])
    } finally {
      await closeAll(opened)
    }
  }
  return {
    url,
    configuration,
    modules,
    processId,
    transport: composition.transport,
    authenticate: (credentials) =>
      authenticate({ ...credentials, headers: { host: '127.0.0.1', ...credentials.headers } }),
    database,
    spine,
    metrics,
    stop: once(stop),
  }
}

const jobsOf = (composition: Composition) =>
  composition.modules.flatMap((module) => module.jobs.map((job) => ({ module: module.name, job })))

/** Retention and inbox are kept by whoever hosts the events module. */
function maintenanceOf({ modules, configuration, database, spine, clock, log, metrics }: Assembled) {
  if (!modules.includes('events')) return []
  const settings = configuration.of('events') as SettingValues<typeof eventsContract>
  const { retentionMs, retentionGraceMs } = settings
  const jobs = createEventMaintenance({
    database,
    bus: spine.bus,
    emitter: spine.emitter,
    retentionMs: retentionMs as Record<Topic, number>,
    retentionGraceMs,
    clock,
    log,
    metrics,
  })
  return jobs.map((job) => ({ module: 'events', job }))
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
