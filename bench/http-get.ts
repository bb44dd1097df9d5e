/**
 * What a GET through the whole stack costs (route, proof of the caller, capability, validation in and out, problem handling, metrics), in CPU time of the server
 * process, beside a bare Fastify route with the same answer. Promise: at most 3 times.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import fastify from 'fastify'

const ROUNDS = 5
const REQUESTS = 20_000

async function compare(): Promise<void> {
  const figures: Record<string, number[]> = { bare: [], soma: [] }
  for (let round = 0; round < ROUNDS; round++)
    for (const which of ['bare', 'soma']) figures[which]?.push(await measure(which))
  const [bare, soma] = [median(figures.bare), median(figures.soma)]
  for (const [name, values] of Object.entries(figures))
    console.log(
      `http.get ${name.padEnd(5)} CPU a request, µs: ${values.map((value) => value.toFixed(1)).join(' ')} · median ${median(values).toFixed(1)}`,
    )
  console.log(`http.get ratio ${(soma / bare).toFixed(2)} (goal ≤ 3)`)
}

function median(values: number[] = []): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** CPU microseconds a request of a fresh server process, after a warm-up. */
async function measure(which: string): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), which], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const { url, path, headers } = await message<{ url: string; path: string; headers: Record<string, string> }>(child)
  const load = (amount: number) => autocannon({ url: url + path, headers, amount, connections: 16 })
  await load(REQUESTS / 4)
  const before = await ask(child)
  const result = await load(REQUESTS)
  const after = await ask(child)
  child.kill()
  await once(child, 'exit')
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${which}: ${result.non2xx} answers were not 2xx, ${result.errors} failed`)
  return (after - before) / REQUESTS
}

async function ask(child: ChildProcess): Promise<number> {
  child.send('cpu')
  return (await message<{ cpu: number }>(child)).cpu
}

async function message<T>(child: ChildProcess): Promise<T> {
  return (await once(child, 'message'))[0] as T
}

async function serve(which: string): Promise<void> {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpu: user + system })
  })
  process.send?.(which === 'bare' ? await serveBare() : await serveSoma())
}

async function serveBare() {
  const app = fastify()
  app.get('/v1/notes/hello', async () => ({ hello: 'world' }))
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), path: '/v1/notes/hello', headers: {} }
}

async function serveSoma() {
  const { createTestServer, testContext } = await import('@soma/server/testing')
  const { notesModule } = await import('../apps/server/testing/notes-module.ts')
  const server = await createTestServer({ modules: [notesModule] })
  return { url: server.url, path: '/v1/notes/hello', headers: server.headersOf(testContext()) }
}

await (process.argv[2] === undefined ? compare() : serve(process.argv[2]))
