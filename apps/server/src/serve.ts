import type { eventsContract } from '@soma/events/contract'
import {
  type Context,
  type Database,
  type Metrics,
  type SettingValues,
  type Topic,
  type Transport,
  withoutUndefined,
} from '@soma/kernel'
import {
  closeHttpServer,
  type Composition,
  type Configuration,
  createEventMaintenance,
  createExecute,
  createHttpServer,
  createIdempotencyStore,
  createJobs,
  listenFront,
  mountFront,
  type RequestCredentials,
} from '@soma/runtime'
import type { Assembled } from './assemble.ts'
import { serveAsyncApi } from './asyncapi.ts'
import { createAuthenticate } from './authenticate.ts'
import type { EventSpine } from './event-spine.ts'
import { forwardToOthers } from './gateway.ts'
import { startHandlers } from './handlers.ts'
import { createMembership } from './join.ts'
import { type Close, closeAll } from './opened.ts'
import { servePage } from './page.ts'
import { createReadiness } from './readiness.ts'
import { VERSION } from './version.ts'

export interface RunningServer {
  /** `http://host:port` */
  readonly url: string
  /** Of the further ports of edges, in the order of their settings. */
  readonly frontUrls: readonly string[]
  readonly configuration: Configuration
  readonly modules: readonly string[]
  readonly processId: string
  /** Calls any operation in process, as a given context. */
  readonly transport: Transport
  /** Proves a caller in process exactly as over HTTP. */
  readonly authenticate: (credentials: RequestCredentials) => Promise<Context>
  readonly database: Database
  readonly spine: EventSpine
  readonly metrics: Metrics
  /** How long a stop takes at most, in an order that is not disturbed: `events.drainMs` or `server.graceMs`, whichever is less. */
  readonly drainMs: number
  /** Drains and stops: no new work, streams get `drain`, handlers in hand finish or are handed back, cursors commit, the relay flushes, leases are released. */
  stop(): Promise<void>
}

/** Listens, takes events and runs jobs, until it is stopped; `opened` takes how to close each. */
export async function serve(assembled: Assembled, opened: Close[]): Promise<RunningServer> {
  const { composition, configuration, settings, database, spine, log, metrics, modules, processId, drain } = assembled
  const { key, drainTime } = assembled
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
  const fronts = composition.modules.flatMap(({ front }) => front ?? [])
  for (const front of fronts) await mountFront(app, front, log)
  await forwardToOthers(app, { contracts: assembled.contracts, moduleUrls: settings.moduleUrls, drain: drain.signal })
  for (const module of composition.modules) {
    opened.push(() => module.stop())
    await module.start()
  }
  const closeHttp = once(() => closeHttpServer(app, drainTime.inHandMs))
  opened.push(closeHttp)
  const url = await app.listen({ host: settings.host, port: settings.port })
  const frontUrls: string[] = []
  for (const front of fronts)
    for (const listener of front.listeners) {
      const listening = await listenFront(front, listener, log)
      opened.push(() => listening.close(drainTime.inHandMs))
      frontUrls.push(listening.url)
    }
  await membership.join()
  const handlers = await startHandlers({
    composition,
    database,
    spine,
    partitions: assembled.partitions,
    settings: handlerSettings(assembled),
    region: settings.region,
    log,
    metrics,
  })
  const jobs = createJobs({ database, processId, log, jobs: [...jobsOf(composition), ...maintenanceOf(assembled)] })
  jobs.start()

  const stop = async () => {
    drain.abort()
    const { inHandMs } = drainTime
    try {
      await Promise.all([closeHttp(), jobs.stop(inHandMs), handlers.stop(inHandMs)])
    } finally {
      await closeAll(opened)
    }
  }
  return {
    url,
    frontUrls,
    configuration,
    modules,
    processId,
    transport: composition.transport,
    authenticate: (credentials) =>
      authenticate({ ...credentials, headers: { host: '127.0.0.1', ...credentials.headers } }),
    database,
    spine,
    metrics,
    drainMs: drainTime.totalMs,
    stop: once(stop),
  }
}

/** What the events module says of handlers; a platform without it has the defaults of the runtime. */
function handlerSettings({ configuration }: Assembled) {
  const { handlerTimeoutMs, maxParked } = configuration.of('events') as Partial<SettingValues<typeof eventsContract>>
  return withoutUndefined({ handlerTimeoutMs, maxParked })
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
