import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { afterEach, expect, it } from 'vitest'
import { createRetryingFetch } from './retrying-fetch.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A server that gives these answers in turn, and the idempotency keys it was sent. */
async function serverThat(...answers: Answer[]) {
  const keys: (string | undefined)[] = []
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'] as string | undefined)
    const answer = answers[keys.length - 1] as Answer
    answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { keys, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

const problem =
  (status: number, retryable: boolean, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers })
    response.end(JSON.stringify({ code: 'planted', retryable }))
  }
const done: Answer = (_request, response) => void response.end('done')
const cut: Answer = (request) => void request.socket.destroy()

const retrying = (retries = 3, idempotencyKey?: string) =>
  createRetryingFetch({ fetch, retries, idempotencyKey, note: () => undefined, firstPauseMs: 1 })

it('repeats a POST whose connection was cut, with the key of the first try', async () => {
  const { url, keys } = await serverThat(cut, cut, done)
  const response = await retrying()(url, { method: 'POST', body: '{}' })
  expect(await response.text()).toBe('done')
  expect(keys).toHaveLength(3)
  expect(new Set(keys).size).toBe(1)
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
})

it('sends the key that was given, and none with a GET', async () => {
  const { url, keys } = await serverThat(done, done)
  await retrying(3, 'mine')(url, { method: 'POST' })
  await retrying(3, 'mine')(url)
  expect(keys).toEqual(['mine', undefined])
})

it('waits as long as Retry-After says', async () => {
  const { url } = await serverThat(problem(429, true, { 'retry-after': '1' }), done)
  const startedAt = performance.now()
  expect((await retrying()(url)).status).toBe(200)
  expect(performance.now() - startedAt).toBeGreaterThan(950)
})

it('does not wait longer than a call may take', async () => {
  const { url, keys } = await serverThat(problem(503, true, { 'retry-after': '3600' }))
  expect((await retrying()(url)).status).toBe(503)
  expect(keys).toHaveLength(1)
})

it('gives up after the given number of repetitions, and repeats nothing that is not retryable', async () => {
  const busy = await serverThat(problem(503, true), problem(503, true), problem(503, true))
  expect((await retrying(2)(busy.url)).status).toBe(503)
  expect(busy.keys).toHaveLength(3)
  const broken = await serverThat(problem(500, false))
  expect((await retrying()(broken.url)).status).toBe(500)
  const gated = await serverThat(problem(403, true))
  expect((await retrying()(gated.url)).status).toBe(403)
})

it('does not look for a server that is not there', async () => {
  const { url } = await serverThat()
  for (const close of closers.splice(0)) close()
  const notes: string[] = []
  const patient = createRetryingFetch({ fetch, retries: 3, note: (text) => notes.push(text) })
  await expect(patient(url)).rejects.toThrow('fetch failed')
  expect(notes).toEqual([])
})
