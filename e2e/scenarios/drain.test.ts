import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'

const SERVER = './drain-server.ts'
const PLATFORM = './drain-platform.ts'
/** An embedded database opens in a second, on a busy machine in many. */
const TIMEOUT_MS = 90_000

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function startProcess(graceMs: number, script = SERVER, environment: Readonly<Record<string, string>> = {}) {
  const path = new URL(script, import.meta.url).pathname
  const child = spawn(process.execPath, ['--conditions=@soma/source', '--import', 'tsx', path], {
    env: { ...process.env, GRACE_MS: String(graceMs), ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const nextLine = async () => (await lines.next()).value as string
  return { child, nextLine, url: await nextLine() }
}

const work = (url: string, forMs: number, path = 'works'): Promise<Response> =>
  fetch(`${url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ forMs }),
  })

/** Reads the stream until it has told something; answers what reads it to its end. */
async function watch(url: string): Promise<() => Promise<string>> {
  const stream = (await fetch(`${url}/v1/works/watch`)).body as ReadableStream<Uint8Array>
  const decoding = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>
  const reader = stream.pipeThrough(decoding).getReader()
  let told = ''
  while (!told.includes('event: told')) told += (await reader.read()).value ?? ''
  return async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) told += next.value
    return told
  }
}

test('EVT-R57 a process that gets SIGTERM takes nothing more in, tells its streams, answers what it has in hand and ends by itself with 0', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { child, url, nextLine } = await startProcess(30_000)
  const rest = await watch(url)
  const answered = work(url, 1_000)
  expect(await nextLine()).toBe('working')

  const exited = once(child, 'exit')
  const askedAt = performance.now()
  child.kill('SIGTERM')
  expect(await rest()).toContain('event: drain\ndata: {"cursor":"7","retryAfterMs":500}\n\n')
  await expect(work(url, 1)).rejects.toThrow('fetch failed')
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

test('a stream that another process makes gets its drain frame from the process that stops, and goes on through the other', {
  timeout: TIMEOUT_MS,
}, async () => {
  const works = await startProcess(30_000)
  const door = await startProcess(30_000, SERVER, { WORKS_URL: works.url })
  const rest = await watch(door.url)
  const exited = once(door.child, 'exit')
  door.child.kill('SIGTERM')
  expect(await rest()).toContain('event: drain\ndata: {"cursor":"7","retryAfterMs":500}\n\n')
  expect(await exited).toEqual([0, null])
  expect(works.child.exitCode).toBeNull()
})

test('whoever waits for another process through one that stops is sent away at once; what else it forwards is answered', {
  timeout: TIMEOUT_MS,
}, async () => {
  const works = await startProcess(30_000)
  const door = await startProcess(30_000, SERVER, { WORKS_URL: works.url })
  const waited = work(door.url, 600_000, 'works/one/wait')
  const answered = work(door.url, 1_000)
  for (let begun = 0; begun < 2; begun++) expect(await works.nextLine()).toBe('working')
  const exited = once(door.child, 'exit')
  const askedAt = performance.now()
  door.child.kill('SIGTERM')
  const refused = await waited
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await refused.json()).toMatchObject({ code: 'unavailable', retryable: true })
  expect(await (await answered).json()).toEqual({ done: true })
  expect(await exited).toEqual([0, null])
  expect(performance.now() - askedAt).toBeLessThan(15_000)
  expect(works.child.exitCode).toBeNull()
})

test('whoever waits for an event when the process gets SIGTERM is answered at once', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { child, url } = await startProcess(30_000, PLATFORM)
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const schema = { jsonSchema: { type: 'object' } }
  for (const type of ['sum.asked', 'sum.told'])
    await post('registry/events', { topic: 'business-facts', type, description: type, schema })
  const { body: subscription } = await post('events/subscriptions', { name: 'waiting', topics: ['business-facts'] })
  const path = `events/subscriptions/${subscription['id']}`
  const pulled = post(`${path}/pull`, { memberId: crypto.randomUUID(), max: 1, waitMs: 30_000 })
  const asked = post('events/request', {
    type: 'sum.asked',
    topic: 'business-facts',
    data: {},
    correlationId: 'sum-1',
    responseType: 'sum.told',
    responseTopic: 'business-facts',
    timeoutMs: 60_000,
  })
  const delivered = pulled.then(({ body }) => body['deliveries'])
  // The request is on its way once its event is; that one goes to the member that waits.
  expect(await delivered).toMatchObject([{ event: { correlationid: 'sum-1' } }])
  const again = post(`${path}/pull`, { memberId: crypto.randomUUID(), max: 1, waitMs: 30_000 })
  // Later than the poll on the same server: what is asked then is answered after that has begun to wait.
  await post(`${path}/pull`, { memberId: crypto.randomUUID(), max: 1, waitMs: 0 })
  const stoppedAt = performance.now()
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await again).toEqual({ status: 200, body: { deliveries: [] } })
  const refused = await asked
  expect(refused.status).toBe(503)
  expect(refused.body).toMatchObject({ code: 'unavailable', retryable: true, correlationId: 'sum-1' })
  expect(await exited).toEqual([0, null])
  expect(performance.now() - stoppedAt).toBeLessThan(20_000)
})
