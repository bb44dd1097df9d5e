import { readdirSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { withoutUndefined } from '@soma/kernel'
import { isAlive } from '../connection.ts'
import { createCompile } from '../dev/compile.ts'
import { startHotReload } from '../dev/hot-reload.ts'
import { watchSources } from '../dev/watch-sources.ts'
import { readAgentFiles } from '../project-file.ts'
import type { Handling } from '../session.ts'
import { dataDirectoryOf, serve, type ServeFlags, stopOnSignals } from './serve.ts'

/** In the project, so that what is compiled finds the project's packages. */
const COMPILED = '.soma/dev'

/** Runs the platform in this process and the agents of the current folder beside it, and follows the files of the agents until a signal ends it. */
export async function develop({ session, flags }: Handling<Omit<ServeFlags, 'modules' | 'moduleUrls'>>): Promise<void> {
  const { mode, port, data } = flags
  const project = resolve('.')
  const entries = await readAgentFiles()
  const output = join(project, COMPILED, String(process.pid))
  const compile = createCompile(project, entries, output)
  const server = await serve(withoutUndefined({ mode, port, data }))
  removeLeftOvers(join(project, COMPILED))
  const { note } = session.printer
  note(`url      ${server.url}`)
  note(`mode     ${server.configuration.mode}`)
  note(`data     ${dataDirectoryOf(server) ?? 'memory: nothing is kept'}`)
  note(`agents   ${entries.map((entry) => relative(project, entry)).join(', ')}`)
  const stops: (() => Promise<void> | void)[] = [() => server.stop()]
  stopOnSignals(async () => {
    for (const stopOne of stops) await stopOne()
    rmSync(output, { recursive: true, force: true })
  })
  const reload = await startHotReload({
    ...{ project, entries, compile, say: note },
    environment: { SOMA_URL: server.url },
  })
  stops.unshift(() => reload.stop())
  const watching = watchSources(placesOf(project, entries), reload.change)
  stops.unshift(() => watching.close())
  note('stop     Ctrl-C')
  // To `soma dev --start`, which waits for it.
  process.send?.('started')
}

/** All that is beside an agent, and what says how it is compiled. */
const placesOf = (project: string, entries: readonly string[]) => ({
  folders: [...new Set(entries.map((entry) => dirname(entry)))],
  files: ['package.json', 'tsconfig.json'].map((name) => join(project, name)),
})

/** What processes that were killed have compiled. */
function removeLeftOvers(folder: string): void {
  for (const name of namesIn(folder))
    if (!isAlive(Number(name))) rmSync(join(folder, name), { recursive: true, force: true })
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
