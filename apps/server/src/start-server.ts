import type { Context, Database, Logger, Metrics, Transport } from '@soma/kernel'
import type { Configuration, ConfigurationSources, RequestCredentials } from '@soma/runtime'
import { assemble } from './assemble.ts'
import type { EventSpine } from './event-spine.ts'
import { closeAll, type Close } from './opened.ts'
import type { Platform } from './platform.ts'
import { serve } from './serve.ts'

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
 * Starts one process of the platform with the given modules on the configured database, and listens. What a failed start had opened is closed again.
 * @throws ConfigurationError for settings; Error naming the module that is used but neither hosted nor reachable; the data directory's problem when another process holds it
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const opened: Close[] = []
  try {
    return await serve(await assemble(options, opened), opened)
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}
