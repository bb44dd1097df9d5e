import { createServer } from 'node:net'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, silentLogger } from '@soma/kernel'
import { contractsOf, type RunningServer, somaPlatform, startServer } from '@soma/server'
import { verifyTracker } from './verify-tracker.ts'

/** A running platform, in one of its two homes. Any URL is a way in. */
export interface Home {
  readonly name: HomeName
  readonly url: string
  /** The servers by module; in one process all names share one. */
  readonly servers: Readonly<Record<string, RunningServer>>
  /** Compares the tracker's models with the log first: what any scenario did, they are equal (TRK-R5). */
  stop(): Promise<void>
}

/** `one-process`: all modules together. `process-a-module`: one server a module, which reach one another over HTTP with signed context tokens. */
export const HOMES = ['one-process', 'process-a-module'] as const
export type HomeName = (typeof HOMES)[number]

export interface HomeOptions {
  readonly settings?: Readonly<Record<string, unknown>>
  /** Default: a new embedded database in memory. */
  readonly database?: Database
}

/** Opens a home. Both share one database, as processes of a cluster do. */
export async function openHome(name: HomeName, options: HomeOptions = {}): Promise<Home> {
  const database =
    options.database ??
    (await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger }))
  const open = name === 'one-process' ? openTogether : openApart
  return open(database, options.settings ?? {})
}

/** With it a test can join a process of its own to the home that is apart. */
export const CLUSTER_SECRET = 'a secret of the test cluster'

const BASE = { mode: 'test', 'server.port': 0, 'server.dataDirectory': 'memory', 'server.graceMs': 3_000 }

async function openTogether(database: Database, settings: Readonly<Record<string, unknown>>): Promise<Home> {
  const server = await startServer({
    platform: somaPlatform,
    database,
    log: silentLogger,
    sources: { flags: { ...BASE, ...settings } },
  })
  const names = contractsOf(somaPlatform).map(({ module }) => module)
  return {
    name: 'one-process',
    url: server.url,
    servers: Object.fromEntries(names.map((module) => [module, server])),
    stop: () => verifyTracker(database, server.transport).finally(server.stop),
  }
}

async function openApart(database: Database, settings: Readonly<Record<string, unknown>>): Promise<Home> {
  const names = contractsOf(somaPlatform).map(({ module }) => module)
  const ports = await freePorts(names.length)
  const urls = Object.fromEntries(names.map((module, index) => [module, `http://127.0.0.1:${ports[index]}`]))
  const shared: Database = { ...database, close: async () => {} }
  const servers: Record<string, RunningServer> = {}
  for (const module of names) {
    const { [module]: own, ...others } = urls
    const flags = {
      ...BASE,
      ...settings,
      'server.port': Number(new URL(own as string).port),
      'server.moduleUrls': others,
      'server.clusterSecret': CLUSTER_SECRET,
    }
    servers[module] = await startServer({
      platform: somaPlatform,
      modules: [module],
      database: shared,
      log: silentLogger,
      sources: { flags },
    })
  }
  const stop = async () => {
    await verifyTracker(database, (servers.tracker as RunningServer).transport).finally(stopAll)
  }
  const stopAll = async () => {
    for (const server of Object.values(servers).reverse()) await server.stop()
    await database.close()
  }
  return { name: 'process-a-module', url: urls.plans as string, servers, stop }
}

/** Ports that were free a moment ago; all are held open until all are known, so that none is given twice. */
export async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const holder = createServer()
          holder.listen(0, '127.0.0.1', () => resolve(holder))
        }),
    ),
  )
  const ports = holders.map((holder) => (holder.address() as { port: number }).port)
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))))
  return ports
}
