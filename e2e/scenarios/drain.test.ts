import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'

const SERVER = new URL('./drain-server.ts', import.meta.url).pathname
/** An embedded database opens in a second, on a busy machine in many. */
const TIMEOUT_MS = 90_000

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function startProcess(graceMs: number) {
  const child = spawn(process.execPath, ['--conditions=@soma/source', '--import', 'tsx', SERVER], {
    env: { ...process.env, GRACE_MS: String(graceMs) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const nextLine = async () => (await lines.next()).value as string
  return { child, nextLine, url: await nextLine() }
}

const work = (url: string, forMs: number): Promise<Response> =>
  fetch(`${url}/v1/works`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ forMs }),
  })

test('a process that gets SIGTERM tells its streams, answers what it has in hand and ends by itself with 0', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { child, url, nextLine } = await startProcess(30_000)
  const stream = (await fetch(`${url}/v1/works/watch`)).body as ReadableStream<Uint8Array>
  const decoding = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>
  const reader = stream.pipeThrough(decoding).getReader()
  let told = ''
  while (!told.includes('event: told')) told += (await reader.read()).value ?? ''
  const answered = work(url, 1_000)
  expect(await nextLine()).toBe('working')

  const exited = once(child, 'exit')
  const askedAt = performance.now()
  child.kill('SIGTERM')
  for (let next = await reader.read(); !next.done; next = await reader.read()) told += next.value
  expect(told).toContain('event: drain\ndata: {"cursor":"7","retryAfterMs":500}\n\n')
  expect(await (await answered).json()).toEqual({ done: true })
  expect(await exited).toEqual([0, null])
  expect(performance.now() - askedAt).toBeLessThan(15_000)
})

test('work that takes longer than the grace time is cut, and the process ends all the same', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { child, url, nextLine } = await startProcess(500)
  const answered = work(url, 600_000).then(
    () => 'answered',
    () => 'cut',
  )
  expect(await nextLine()).toBe('working')
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await answered).toBe('cut')
  expect(await exited).toEqual([0, null])
})
