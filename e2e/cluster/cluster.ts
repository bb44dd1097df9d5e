import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { contractsOf, somaPlatform } from '@soma/server'
import { CLUSTER_SECRET } from '../homes/home.ts'

const MAIN = new URL('../../apps/cli/src/main.ts', import.meta.url).pathname

/** Eight processes start at once, on a busy machine. */
const READY_MS = 180_000

/** One process a module on native Postgres, each a real child process that can be killed and started again. */
export interface Cluster {
  readonly modules: readonly string[]
  readonly urls: Readonly<Record<string, string>>
  /** The way in that tests use: the process of the plans module, or another while it is down. */
  readonly url: (avoiding?: string) => string
  kill(module: string): Promise<void>
  start(module: string): Promise<void>
  /** Runs the command line against the cluster; it is killed with the cluster. */
  run(args: readonly string[]): ChildProcess
  stop(): Promise<void>
}

/** Starts all modules apart and waits until each is ready. `dataDirectory` is shared by agents alone: the processes keep everything in Postgres. */
export async function startCluster(options: {
  databaseUrl: string
  dataDirectory: string
  /** Further settings of every process, by the names of their variables. */
  environment?: Readonly<Record<string, string>>
}): Promise<Cluster> {
  const modules = contractsOf(somaPlatform).map(({ module }) => module)
  const ports = await freePorts(modules.length)
  const urls = Object.fromEntries(modules.map((module, index) => [module, `http://127.0.0.1:${ports[index]}`]))
  const children = new Map<string, ChildProcess>()
  const others: ChildProcess[] = []

  const start = async (module: string): Promise<void> => {
    const { [module]: own, ...rest } = urls
    const child = spawnSoma(['serve', '--modules', module], {
      SOMA_SERVER_PORT: new URL(own as string).port,
      SOMA_SERVER_MODULE_URLS: JSON.stringify(rest),
      SOMA_SERVER_CLUSTER_SECRET: CLUSTER_SECRET,
      SOMA_SERVER_DATABASE_URL: options.databaseUrl,
      SOMA_SERVER_DATABASE_POOL: '8',
      SOMA_SERVER_DATA_DIRECTORY: `${options.dataDirectory}/${module}`,
      SOMA_SERVER_LOG_LEVEL: 'error',
      // The servers of tests do not sync.
      SOMA_EVENTS_DURABILITY: 'process',
      ...options.environment,
    })
    children.set(module, child)
    await untilReady(own as string, child)
  }
  const stop = async () => {
    for (const child of [...others, ...children.values()]) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
  try {
    await Promise.all(modules.map(start))
  } catch (error) {
    await stop()
    throw error
  }

  return {
    modules,
    urls,
    url: (avoiding) =>
      urls[
        modules.find((module) => module !== avoiding && module === 'plans') ??
          (modules.find((module) => module !== avoiding) as string)
      ] as string,
    start,
    async kill(module) {
      const child = children.get(module) as ChildProcess
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
    run(args) {
      const child = spawnSoma(args, { SOMA_URL: urls.events as string })
      others.push(child)
      return child
    },
    stop,
  }
}

function spawnSoma(args: readonly string[], environment: Record<string, string>): ChildProcess {
  return spawn(process.execPath, ['--conditions=@soma/source', '--import', 'tsx', MAIN, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

/** Asks `/ready` until it answers 200; a process that has ended is an error. */
async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_MS
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the process at ${url} ended with ${child.exitCode}`)
    const ready = await fetch(`${url}/ready`).then(
      (response) => response.ok,
      () => false,
    )
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the process at ${url} is not ready after ${READY_MS} ms`)
}

async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const holder = createServer().listen(0, '127.0.0.1')
      await once(holder, 'listening')
      return holder
    }),
  )
  const ports = holders.map((holder) => (holder.address() as { port: number }).port)
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))))
  return ports
}
