import { getEventListeners, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StreamFrame } from '@soma/kernel'
import { afterEach, expect, test } from 'vitest'
import { sendEventStream } from './event-stream.ts'

const stops: (() => unknown)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

async function serveFrames(
  frames: () => AsyncIterable<StreamFrame>,
  drain: AbortSignal,
  options: { heartbeatMs?: number } = {},
) {
  const ended: Promise<void>[] = []
  const server = createServer((_request, response) => ended.push(sendEventStream(response, frames(), drain, options)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ended }
}

async function* few(): AsyncGenerator<StreamFrame> {
  yield { id: '1', event: 'number', data: { value: 1 } }
  yield { id: '2', event: 'number', data: { value: 2 } }
}

async function* endless(): AsyncGenerator<StreamFrame> {
  for (let value = 1; ; value += 1) {
    yield { id: String(value), event: 'number', data: { value } }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a stream that has ended or whose client went leaves nothing on the signal of the process', async () => {
  const drain = new AbortController()
  const short = await serveFrames(few, drain.signal)
  for (let count = 0; count < 12; count += 1) expect(await (await fetch(short.url)).text()).toContain('id: 2')
  const long = await serveFrames(endless, drain.signal)
  const { body } = await fetch(long.url)
  expect(getEventListeners(drain.signal, 'abort')).toHaveLength(1)
  await body?.cancel()
  await Promise.all([...short.ended, ...long.ended])
  expect(getEventListeners(drain.signal, 'abort')).toHaveLength(0)
})

test('a drain ends a stream with the place where it may be resumed', async () => {
  const drain = new AbortController()
  const { url, ended } = await serveFrames(endless, drain.signal)
  const response = await fetch(url)
  drain.abort()
  const text = await response.text()
  await Promise.all(ended)
  expect(text).toMatch(/id: (\d+)\n.*\n.*\n\nevent: drain\ndata: \{"cursor":"\1","retryAfterMs":500\}\n\n$/)
})

test('EVT-R51 an event that goes to many streams is serialised once', async () => {
  let serialised = 0
  const data = { toJSON: () => ({ value: ++serialised }) }
  const shared = async function* (): AsyncGenerator<StreamFrame> {
    yield { id: '1', event: 'number', data }
  }
  const { url } = await serveFrames(shared, new AbortController().signal)
  const texts = await Promise.all(Array.from({ length: 30 }, async () => (await fetch(url)).text()))
  for (const text of texts) expect(text).toContain('data: {"value":1}\n')
})

test('EVT-R51 heartbeats come while the frames stand still', async () => {
  const stuck = async function* (): AsyncGenerator<StreamFrame> {
    yield { id: '1', event: 'number', data: { value: 1 } }
    await new Promise(() => undefined)
  }
  const { url } = await serveFrames(stuck, new AbortController().signal, { heartbeatMs: 20 })
  const { body } = await fetch(url)
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  while (text.split(': \n\n').length < 4) text += Buffer.from((await reader.read()).value ?? []).toString()
  expect(text).toMatch(/^: open\n\nid: 1\nevent: number\ndata: \{"value":1\}\n\n(: \n\n)+$/)
  await reader.cancel()
})
