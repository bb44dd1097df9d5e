import { setMaxListeners } from 'node:events'
import { createTokenCodec } from '@soma/adapter-jose'
import { createMetrics } from '@soma/adapter-prometheus'
import {
  type Clock,
  type Context,
  type Contract,
  type Database,
  type Logger,
  type Metrics,
  newUuid,
  type SigningKey,
  type Transport,
} from '@soma/kernel'
import {
  type Composition,
  type Configuration,
  type ConfigurationSources,
  compose,
  createExecute,
  createLogger,
  loadConfiguration,
  type RequestCredentials,
} from '@soma/runtime'
import { CLIENT_ENVIRONMENT } from './client-environment.ts'
import { callersOf, createContextTokens } from './context-tokens.ts'
import { openDatabase } from './data-store.ts'
import { type DrainTime, drainTimeOf } from './drain-time.ts'
import { type EventSpine, type EventSpineSettings, openEventSpine } from './event-spine.ts'
import { encryptionKeyOf } from './installation.ts'
import { createProcessList } from './join.ts'
import { refuseInsecureListen } from './listen.ts'
import { migratePlatform } from './migrate.ts'
import type { Close } from './opened.ts'
import { contractsOf, hostModules, type Platform } from './platform.ts'
import { createRemotes } from './remotes.ts'
import { createRights } from './rights.ts'
import { type ServerSettings, serverContract } from './server-contract.ts'
import { VERSION } from './version.ts'

/** For platforms without the events module: tests of the runtime with toy modules. */
const SPINE_DEFAULTS = {
  bus: 'postgres',
  partitions: 4,
  emit: 'auto',
  brokerEncryption: true,
  durability: 'process',
} as const

/** One process of the platform, put together and not yet serving. */
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

export interface Assembled {
  readonly options: ServerOptions
  readonly contracts: readonly Contract[]
  readonly partitions: number
  readonly bus: EventSpineSettings['bus']
  readonly configuration: Configuration
  readonly settings: ServerSettings
  readonly composition: Composition
  readonly database: Database
  readonly spine: EventSpine
  readonly contextTokens: ReturnType<typeof createContextTokens>
  readonly key: SigningKey
  readonly encryptionKey: Uint8Array
  readonly processId: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly modules: readonly string[]
  /** Aborted by the stop: streams and long polls end then. */
  readonly drain: AbortController
  readonly drainTime: DrainTime
}

/** Reads the settings, opens database and log, and composes the chosen modules; `opened` takes how to close each. */
export async function assemble(options: ServerOptions, opened: Close[]): Promise<Assembled> {
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
  const clock: Clock = { now: () => new Date(), steadyMs: () => performance.timeOrigin + performance.now() }
  opened.push(await startTracesTo(settings.otlpEndpoint, processId))
  const modules = chosenModules(platform, options.modules)
  const hasIdentity = modules.includes('identity') || settings.moduleUrls.identity !== undefined
  if (options.authenticate === undefined && !hasIdentity) throw noIdentity()
  const production = configuration.mode.startsWith('production')
  const events = { ...SPINE_DEFAULTS, ...configuration.of('events'), production } as EventSpineSettings

  const database = options.database ?? (await openDatabase({ ...settings, durability: events.durability, log }))
  opened.push(() => database.close())
  await migratePlatform(database, platform)
  const encryptionKey = await encryptionKeyOf(settings)
  const drain = new AbortController()
  // One listener a stream and a poll.
  setMaxListeners(0, drain.signal)
  const drainTime = drainTimeOf(configuration, drain.signal)
  const spine = await openEventSpine({ database, settings: events, encryptionKey, log, metrics })
  opened.push(() => spine.stop(drainTime.flushMs()))

  const tokenCodec = createTokenCodec()
  const key = await tokenCodec.createKey()
  const transport: { current?: Transport } = {}
  const call: Transport = (request) => (transport.current as Transport)(request)
  const contextTokens = createContextTokens({
    codec: tokenCodec,
    key,
    processes: createProcessList(call, settings.region),
    mayCall: callersOf(platform),
    log,
  })
  const composition = compose({
    modules: hostModules(platform, modules, {
      database,
      spine,
      tokenCodec,
      encryptionKey,
      configuration,
      log,
      rights: hasIdentity ? createRights(call, settings.region) : undefined,
      draining: drain.signal,
      bus: events.bus,
    }),
    remote: createRemotes(settings.moduleUrls, contextTokens),
    execute: createExecute({ log }),
    database,
    emitter: spine.emitter,
    configuration,
    clock,
    region: settings.region,
    log,
    metrics,
  })
  transport.current = composition.transport
  return {
    options,
    contracts,
    partitions: events.partitions,
    bus: events.bus,
    configuration,
    settings,
    composition,
    database,
    spine,
    contextTokens,
    key,
    encryptionKey,
    processId,
    clock,
    log,
    metrics,
    modules,
    drain,
    drainTime,
  }
}

/** The exporter is loaded where it is used: without an endpoint it would cost a tenth of the start for nothing. */
async function startTracesTo(endpoint: string, processId: string): Promise<() => Promise<void>> {
  if (endpoint === '') return async () => {}
  const { startTraces } = await import('@soma/adapter-opentelemetry')
  return startTraces({ endpoint, version: VERSION, processId })
}

function chosenModules(platform: Platform, names: readonly string[] | undefined): readonly string[] {
  const known = contractsOf(platform).map(({ module }) => module)
  const unknown = (names ?? []).filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`there is no module "${unknown.join('", "')}": the modules are ${known.join(', ')}`)
  return names ?? known
}

/** Whoever takes requests must be able to prove their authors. */
const noIdentity = () =>
  new Error(
    'callers are proven by "identity", which is not hosted here and has no URL; add it to --modules or to the setting server.moduleUrls',
  )
