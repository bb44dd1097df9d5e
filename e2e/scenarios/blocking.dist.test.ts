import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Clients, createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Home, openHome } from '../homes/home.ts'

const SCRIPT = fileURLToPath(new URL('./blocking-worker.js', import.meta.url))
/** More than twice the lease of 5 s. */
const BLOCK_MS = 12_000
let home: Home
let clients: Clients
let worker: ChildProcess

beforeAll(async () => {
  home = await openHome('one-process', { settings: { mode: 'developer-light' } })
  clients = createClients({ url: home.url })
}, 60_000)
afterAll(async () => {
  worker?.kill('SIGKILL')
  await home?.stop()
}, 60_000)

test('a handler that keeps the event loop keeps its lease, runs once, and is named on stderr', async () => {
  worker = spawn(process.execPath, [SCRIPT], {
    env: { ...process.env, SOMA_URL: home.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [lines, said]: [string[], string[]] = [[], []]
  const out = createInterface({ input: worker.stdout as NonNullable<typeof worker.stdout> })
  out.on('line', (line) => lines.push(line))
  worker.stderr?.setEncoding('utf8').on('data', (text: string) => said.push(text))
  await once(out, 'line')
  await clients.events.events.publish({
    body: {
      type: 'sum.requested',
      topic: 'action-requests',
      data: { blockMs: BLOCK_MS },
      correlationId: 'corr-1',
      responseType: 'sum.completed',
      responseTopic: 'action-results',
    },
  })
  const query = { type: 'sum.completed', correlationId: 'corr-1' }
  const replies = async () =>
    (await clients.events.events.list({ query })).items.map(({ data, outcome }) => ({ data, outcome }))
  await expect.poll(replies, { timeout: 60_000, interval: 200 }).toEqual([{ data: { attempt: 1 }, outcome: 'ok' }])
  expect(lines.filter((line) => line === 'runs')).toHaveLength(1)
  expect(said.join('')).toContain('In hand: calculator (sum.requested)')
}, 120_000)
