import { setTimeout as pause } from 'node:timers/promises'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, silentLogger } from '@soma/kernel'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CLUSTER_SECRET, freePorts } from '../homes/home.ts'

let database: Database
/** Nobody is asked at the address of events here; the registry must only know one. */
let urls: { identity: string; registry: string; events: string }
const started: Promise<RunningServer>[] = []
beforeEach(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  const [identity, registry, events] = (await freePorts(3)).map((port) => `http://127.0.0.1:${port}`)
  urls = { identity, registry, events } as typeof urls
}, 60_000)
afterEach(async () => {
  for (const server of await Promise.allSettled(started.splice(0)))
    if (server.status === 'fulfilled') await server.value.stop()
  await database.close()
})

function start(module: 'identity' | 'registry', clusterSecret = CLUSTER_SECRET): Promise<RunningServer> {
  const { [module]: own, ...others } = urls
  const flags = {
    mode: 'test',
    'server.port': Number(new URL(own).port),
    'server.dataDirectory': 'memory',
    'server.graceMs': 1_000,
    'server.moduleUrls': others,
    'server.clusterSecret': clusterSecret,
  }
  const server = startServer({
    platform: somaPlatform,
    modules: [module],
    database: { ...database, close: async () => {} },
    log: silentLogger,
    sources: { flags },
  })
  started.push(server)
  return server
}

interface Ready {
  readonly status: string
  readonly checks: readonly { name: string; ok: boolean; detail?: string }[]
}

/** Asks a process that is just starting, until it listens and its answer is awaited. */
async function readyOf(url: string, isAwaited: (ready: Ready) => boolean): Promise<Ready> {
  for (;;) {
    const response = await fetch(`${url}/ready`).catch(() => undefined)
    const ready = response === undefined ? undefined : ((await response.json()) as Ready)
    if (ready !== undefined && isAwaited(ready)) return ready
    await pause(20)
  }
}

const joinedOf = ({ checks }: Ready) => checks.find(({ name }) => name === 'joined')

test('a process that starts before identity is alive, says in /ready what it waits for, and goes on once identity is there', async () => {
  const registry = start('registry')
  const waiting = await readyOf(urls.registry, (ready) => joinedOf(ready)?.detail?.includes('does not answer') === true)
  expect(waiting.status).toBe('not-ready')
  expect(joinedOf(waiting)?.detail).toContain(`identity at ${urls.identity} does not answer`)
  expect((await fetch(`${urls.registry}/health`)).status).toBe(200)
  await start('identity')
  await registry
  expect(await readyOf(urls.registry, () => true)).toMatchObject({ status: 'ready' })
}, 60_000)

test('a process with another cluster secret ends at once and says what to do', async () => {
  await start('identity')
  await expect(start('registry', 'another secret')).rejects.toThrow(
    `identity at ${urls.identity} refused this process: give every process the same server.clusterSecret`,
  )
  await expect(fetch(`${urls.registry}/health`)).rejects.toThrow()
}, 60_000)
