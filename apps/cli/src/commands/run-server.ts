import { type Mode, withoutUndefined } from '@soma/kernel'
import { contractsOf, somaPlatform } from '@soma/server'
import { UsageError } from '../failure.ts'
import type { Handling } from '../session.ts'
import { dataDirectoryOf, serve, stopOnSignals } from './serve.ts'

interface ServerFlags {
  readonly modules?: readonly string[]
  readonly mode?: Mode
  readonly port?: number
  readonly data?: string
}

/** Runs a server until a signal ends it. What it is, in short lines on stderr. */
export async function runServer({ session, flags }: Handling<ServerFlags>): Promise<void> {
  const { modules, mode, port, data } = flags
  if (modules !== undefined) refuseUnknown(modules)
  const server = await serve(withoutUndefined({ modules, mode, port, data })).catch((error: unknown) => {
    throw isMissingModule(error) ? new UsageError(error.message, { cause: error }) : error
  })
  stopOnSignals(() => server.stop(), server.drainMs)
  const { note } = session.printer
  note(`url      ${server.url}`)
  note(`mode     ${server.configuration.mode}`)
  note(`modules  ${server.modules.join(', ')}`)
  note(`data     ${dataDirectoryOf(server) ?? 'memory: nothing is kept'}`)
  note('stop     Ctrl-C')
}

function refuseUnknown(modules: readonly string[]): void {
  const known = contractsOf(somaPlatform).map(({ module }) => module)
  const unknown = modules.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new UsageError(`there is no module "${unknown.join('", "')}": the modules are ${known.join(', ')}`)
}

/** The composition says this of a module that is used but neither hosted nor reachable. */
const isMissingModule = (error: unknown): error is Error =>
  error instanceof Error && error.message.includes('is not hosted here and has no URL')
