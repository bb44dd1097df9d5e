import { assemble, type ServerOptions } from './assemble.ts'
import { closeAll, type Close } from './opened.ts'
import { type RunningServer, serve } from './serve.ts'

export type { RunningServer, ServerOptions }

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
