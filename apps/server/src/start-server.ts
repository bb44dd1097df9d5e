import type { eventsContract } from '@soma/events/contract'
import { createTokenCodec } from '@soma/adapter-jose'
import { createMetrics } from '@soma/adapter-prometheus'
import {
  type Context,
  type Contract,
  type Database,
  type Logger,
  type Metrics,
  newUuid,
  type SettingValues,
  type SigningKey,
  type Topic,
  type Transport,
} from '@soma/kernel'
import {
  type Composition,
  type Configuration,
  type ConfigurationSources,
  compose,
  createEventMaintenance,
  createExecute,
  createHttpServer,
  createIdempotencyStore,
  createJobs,
  createLogger,
  loadConfiguration,
  type RequestCredentials,
} from '@soma/runtime'
import { createAuthenticate } from './authenticate.ts'
import { createContextTokens } from './context-tokens.ts'
import { openDatabase } from './data-store.ts'
import { type EventSpine, openEventSpine } from './event-spine.ts'
import { encryptionKeyOf } from './installation.ts'
import { forwardToOthers } from './gateway.ts'
import { keepJoined, processKeysOf } from './join.ts'
import { startHandlers } from './handlers.ts'
import { refuseInsecureListen } from './listen.ts'
import { migratePlatform } from './migrate.ts'
import { contractsOf, hostModules, type Platform } from './platform.ts'
import { servePage } from './page.ts'
import { createReadiness } from './readiness.ts'
import { createRemotes } from './remotes.ts'
import { type ServerSettings, serverContract } from './server-contract.ts'
import { VERSION } from './version.ts'

/** For platforms without the events module: tests of the runtime with toy modules. */
const SPINE_DEFAULTS = { partitions: 4, emit: 'auto', durability: 'process' } as const

/** `SOMA_` names that clients read and that are no settings of a server. */
export const CLIENT_ENVIRONMENT = [
  'SOMA_URL',
  'SOMA_TOKEN',
  'SOMA_API_KEY',
  'SOMA_TENANT',
  'SOMA_CONTEXT',
  'SOMA_MODE',
] as const

export interface ServerOptions {
  readonly sources: ConfigurationSources
  /** Which modules this process hosts. Default: all. */
  readonly modules?: readonly string[]
  readonly platform: Platform
  /** Tests bring their own; it is closed with the server. */
  readonly database?: Database
  readonly log?: Logger
  /** Tests without the identity module prove callers themselves. */
  readonly authenticate?: (credentials: RequestCredentials) => Promise<Context>
}

export interface RunningServer {
  /** `http://host:port` */
  readonly url: string
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
  /** Drains and stops: no new work, streams get `drain`, handlers in hand finish within `server.graceMs`, cursors commit, leases are released. */
  stop(): Promise<void>
}

/**
 * Starts one process of the platform with the given modules on the configured database, and listens.
 * @throws ConfigurationError for settings; Error naming the module that is used but neither hosted nor reachable; the data directory's problem when another process holds it
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { platform } = options
  const contracts = contractsOf(platform)
  const configuration = loadConfiguration([serverContract, ...contracts], {
    otherEnvironmentNames: CLIENT_ENVIRONMENT,
    ...options.sources,
  })
  const settings = configuration.of('server') as ServerSettings
  refuseInsecureListen(configuration)
  const processId = newUuid()
  const log = options.log ?? createLogger({ level: settings.logLevel, fields: { process: processId.slice(-6) } })
  const metrics = createMetrics()
  const stopTraces = await startTracesTo(settings.otlpEndpoint, processId)
  const modules = chosenModules(platform, options.modules)
  if (options.authenticate === undefined) requireIdentity(modules, settings)
  const events = { ...SPINE_DEFAULTS, ...configuration.of('events') } as {
    partitions: number
    emit: 'auto' | 'inline' | 'relay'
    durability: 'power' | 'process'
  }

  const database = options.database ?? (await openDatabase({ ...settings, durability: events.durability, log }))
  await migratePlatform(database, platform)
  const spine = await openEventSpine({ database, ...events, log, metrics })

  const tokenCodec = createTokenCodec()
  const key = await tokenCodec.createKey()
  const transport: { current?: Transport } = {}
  const call: Transport = (request) => (transport.current as Transport)(request)
  const contextTokens = createContextTokens({
    codec: tokenCodec,
    key,
    hosted: modules,
    processKeys: processKeysOf(call, settings.region),
  })
  const composition = compose({
    modules: hostModules(platform, modules, {
      database,
      spine,
      tokenCodec,
      encryptionKey: await encryptionKeyOf(settings),
      configuration,
      log,
    }),
    remote: createRemotes(settings.moduleUrls, contextTokens),
    execute: createExecute({ log }),
    database,
    emitter: spine.emitter,
    configuration,
    clock: { now: () => new Date() },
    region: settings.region,
    log,
    metrics,
  })
  transport.current = composition.transport
  return serve({
    options,
    contracts,
    partitions: events.partitions,
    stopTraces,
    configuration,
    settings,
    composition,
    database,
    spine,
    contextTokens,
    key,
    processId,
    log,
    metrics,
    modules,
  })
}

interface Assembled {
  readonly options: ServerOptions
  readonly contracts: readonly Contract[]
  readonly partitions: number
  readonly stopTraces: () => Promise<void>
  readonly configuration: Configuration
  readonly settings: ServerSettings
  readonly composition: Composition
  readonly database: Database
  readonly spine: EventSpine
  readonly contextTokens: ReturnType<typeof createContextTokens>
  readonly key: SigningKey
  readonly processId: string
  readonly log: Logger
  readonly metrics: Metrics
  readonly modules: readonly string[]
}

async function serve(assembled: Assembled): Promise<RunningServer> {
  const { composition, configuration, settings, database, spine, log, metrics, modules, processId } = assembled
  const drain = new AbortController()
  const readiness = createReadiness({ composition, database, isDraining: () => drain.signal.aborted })
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
    idempotency: createIdempotencyStore({ database, processId, singleProcess: database.engine === 'pglite' }),
    ready: readiness,
    log,
    metrics,
    drain: drain.signal,
  })
  await servePage(app)
  await forwardToOthers(app, assembled.contracts, settings.moduleUrls)
  for (const module of composition.modules) await module.start()
  const url = await app.listen({ host: settings.host, port: settings.port }).catch(async (error: unknown) => {
    // A port that is taken: nothing of ours may keep the process alive.
    for (const module of composition.modules) await module.stop()
    await spine.stop()
    await database.close()
    await assembled.stopTraces()
    throw error
  })
  const membership = await keepJoined({
    settings,
    modules,
    key: assembled.key,
    processId,
    transport: composition.transport,
    log,
  })
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
    await jobs.stop()
    await app.close()
    await handlers.stop(settings.graceMs)
    for (const module of composition.modules) await module.stop()
    membership.stop()
    await spine.stop()
    await database.close()
    await assembled.stopTraces()
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

/** The exporter is loaded where it is used: without an endpoint it would cost a tenth of the start for nothing. */
async function startTracesTo(endpoint: string, processId: string): Promise<() => Promise<void>> {
  if (endpoint === '') return async () => {}
  const { startTraces } = await import('@soma/adapter-opentelemetry')
  return startTraces({ endpoint, version: VERSION, processId })
}

const jobsOf = (composition: Composition) =>
  composition.modules.flatMap((module) => module.jobs.map((job) => ({ module: module.name, job })))

/** Retention, inbox and lag are kept by whoever hosts the events module. */
function maintenanceOf({ modules, configuration, database, spine, log, metrics }: Assembled) {
  if (!modules.includes('events')) return []
  const settings = configuration.of('events') as SettingValues<typeof eventsContract>
  const { retentionMs, retentionGraceMs, lagSloMs } = settings
  const jobs = createEventMaintenance({
    database,
    bus: spine.bus,
    emitter: spine.emitter,
    retentionMs: retentionMs as Record<Topic, number>,
    retentionGraceMs,
    lagSloMs,
    log,
    metrics,
  })
  return jobs.map((job) => ({ module: 'events', job }))
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}

function chosenModules(platform: Platform, names: readonly string[] | undefined): readonly string[] {
  const known = contractsOf(platform).map(({ module }) => module)
  const unknown = (names ?? []).filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`there is no module "${unknown.join('", "')}": the modules are ${known.join(', ')}`)
  return names ?? known
}

/** Whoever takes requests must be able to prove their authors. */
function requireIdentity(modules: readonly string[], settings: ServerSettings): void {
  if (modules.includes('identity') || settings.moduleUrls.identity !== undefined) return
  throw new Error(
    'callers are proven by "identity", which is not hosted here and has no URL; add it to --modules or to the setting server.moduleUrls',
  )
}
