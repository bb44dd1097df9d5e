import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { silentLogger } from '@soma/kernel'
import { createClients } from '@soma/sdk/clients'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../homes/home.ts'

const GUIDE = new URL('../../docs/guides/consume-over-http.md', import.meta.url)
const directory = mkdtempSync(join(tmpdir(), 'soma-python-'))
const consumers = new Map<string, ChildProcess>()
let port: number
let server: RunningServer

const url = () => `http://127.0.0.1:${port}`

const serve = (): Promise<RunningServer> =>
  startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: {
      flags: {
        ...{ mode: 'developer-light', 'server.port': port, 'server.graceMs': 2000 },
        'server.dataDirectory': join(directory, 'data'),
      },
    },
  })

function consume(mode: 'pull' | 'stream'): void {
  const environment = { PATH: process.env.PATH, SOMA_URL: url(), GROUP: mode }
  const child = spawn('python3', ['consumer.py', mode], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  consumers.set(mode, child)
}

async function kill(mode: string): Promise<void> {
  const child = consumers.get(mode) as ChildProcess
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

const publish = async (amount: number): Promise<string> => {
  const body = { type: 'order.placed', topic: 'business-facts', data: { amount } }
  const { eventId } = await createClients({ url: url() }).events.events.publish({ body })
  return `${eventId} {"amount": ${amount}}`
}

const handledBy = (mode: string): string[] => {
  const path = join(directory, `${mode}.handled`)
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []
}

/** Waits until both groups have handled what was published; the time of the test bounds it. */
async function untilHandled(published: readonly string[]): Promise<void> {
  for (const mode of ['pull', 'stream']) while (handledBy(mode).length < published.length) await pause(50)
}

beforeAll(async () => {
  const blocks = readFileSync(GUIDE, 'utf8').matchAll(/```python\n([\s\S]*?)```/g)
  writeFileSync(join(directory, 'consumer.py'), [...blocks].map(([, code]) => code).join('\n\n'))
  ;[port] = (await freePorts(1)) as [number]
  server = await serve()
  await createClients({ url: url() }).registry.events.create({
    body: {
      ...{ type: 'order.placed', topic: 'business-facts', description: 'An order was placed.' },
      schema: { jsonSchema: { type: 'object' } },
    },
  })
}, 60_000)
afterAll(async () => {
  for (const mode of consumers.keys()) await kill(mode)
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
}, 60_000)

test('the consumer of the guide takes every event once, by pull and by stream, over a kill of itself and a restart of the server', async () => {
  const published = [await publish(1)]
  consume('pull')
  consume('stream')
  await untilHandled(published)

  await Promise.all([kill('pull'), kill('stream')])
  published.push(await publish(2), await publish(3))
  consume('pull')
  consume('stream')
  await untilHandled(published)

  await server.stop()
  server = await serve()
  published.push(await publish(4))
  await untilHandled(published)

  for (const mode of ['pull', 'stream']) expect(handledBy(mode).toSorted()).toEqual(published.toSorted())
  const { subscriptions, deliveries } = createClients({ url: url() }).events
  for (const { id: subscriptionId } of (await subscriptions.list({ query: {} })).items)
    await expect
      .poll(async () => (await deliveries.list({ params: { subscriptionId }, query: {} })).items, { timeout: 10_000 })
      .toEqual([])
}, 120_000)
