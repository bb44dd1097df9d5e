import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isProblem, withoutUndefined } from '@soma/kernel'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { readServerSettings } from '../project-file.ts'

export interface ServeFlags {
  readonly modules?: readonly string[]
  readonly mode?: string
  readonly port?: number
  readonly data?: string
  readonly moduleUrls?: Readonly<Record<string, string>>
}

/** Starts a server in this process from flags, environment and `soma.yaml`, and leaves its address in `<data>/server.json` for clients beside it. */
export async function serve(flags: ServeFlags): Promise<RunningServer> {
  const server = await startServer({
    platform: somaPlatform,
    sources: { flags: settingsOf(flags), environment: process.env, file: await readServerSettings() },
    ...(flags.modules === undefined ? {} : { modules: flags.modules }),
  }).catch((error: unknown) => {
    throw withRemedy(error)
  })
  const directory = dataDirectoryOf(server)
  if (directory === undefined) return server
  await writeAddress(directory, server)
  return {
    ...server,
    stop: () => rm(join(directory, 'server.json'), { force: true }).finally(() => server.stop()),
  }
}

/** What most often keeps a server from starting, in one line with what to do. */
function withRemedy(error: unknown): unknown {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (isProblem(error) && error.code === 'database-in-use')
    return new Error(`${error.message}. ${error.remedy}`, { cause: error })
  if (code !== 'EADDRINUSE') return error
  return new Error(`port ${port} is taken: end the program that listens there, or choose another with --port`, {
    cause: error,
  })
}

/** The data directory of a server; undefined when it keeps nothing on disk. */
export function dataDirectoryOf(server: RunningServer): string | undefined {
  const directory = server.configuration.of('server').dataDirectory as string
  return directory === 'memory' ? undefined : resolve(directory)
}

/** Ends a server on SIGINT and SIGTERM, once, after `drainMs`, where given, whatever it still waits for; a second signal ends the process at once. */
export function stopOnSignals(stop: () => Promise<void>, drainMs?: number): void {
  let stopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(130)
    stopping = true
    const exit = () => process.exit(signal === 'SIGINT' ? 130 : 0)
    // A database that answers no more must not keep a process that was told to go: what it holds is free when its leases end.
    if (drainMs !== undefined) setTimeout(exit, drainMs)
    stop().then(exit, (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exit(1)
    })
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}

function settingsOf(flags: ServeFlags): Record<string, unknown> {
  const settings = {
    mode: flags.mode,
    'server.port': flags.port,
    'server.dataDirectory': flags.data,
    'server.moduleUrls': flags.moduleUrls,
  }
  return withoutUndefined(settings)
}

async function writeAddress(directory: string, server: RunningServer): Promise<void> {
  await mkdir(directory, { recursive: true })
  const address = {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    url: server.url,
    mode: server.configuration.mode,
  }
  const file = join(directory, 'server.json')
  await writeFile(`${file}.tmp`, `${JSON.stringify(address)}\n`, { mode: 0o600 })
  await rename(`${file}.tmp`, file)
}
