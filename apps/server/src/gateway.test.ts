import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { notesContract } from '../testing/notes-module.ts'
import { forwardToOthers } from './gateway.ts'

const drain = { controller: new AbortController() }
const opened: ServerResponse[] = []
const cleanups: (() => unknown)[] = []
let url: string
beforeEach(async () => {
  drain.controller = new AbortController()
  opened.length = 0
  const upstream = createServer((_request, response) => {
    opened.push(response)
    response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .write('id: 7\nevent: number\ndata: {"value":1}\n\nid: 8\nev')
  })
  await once(upstream.listen(0, '127.0.0.1'), 'listening')
  const moduleUrls = { notes: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` }
  const app = fastify({ forceCloseConnections: true })
  await forwardToOthers(app, { contracts: [notesContract], moduleUrls, drain: drain.controller.signal })
  url = await app.listen({ host: '127.0.0.1', port: 0 })
  cleanups.push(
    () => app.close(),
    () => upstream.closeAllConnections(),
    () => upstream.close(),
  )
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function openStream() {
  const { body } = await fetch(`${url}/v1/notes/count?to=1`)
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  expect(new TextDecoder().decode((await reader.read()).value)).toContain('event: number')
  return reader
}

test('a forwarded stream whose client went is closed at the process that makes it', async () => {
  const reader = await openStream()
  const closed = once(opened[0] as ServerResponse, 'close')
  await reader.cancel()
  expect(await closed).toEqual([])
})

test('a drain ends forwarded streams with whole frames and a place to resume, and holds nothing open at the other process', async () => {
  const reader = await openStream()
  const closed = once(opened[0] as ServerResponse, 'close')
  drain.controller.abort()
  let told = ''
  for (let next = await reader.read(); !next.done; next = await reader.read())
    told += new TextDecoder().decode(next.value)
  expect(told).toBe('event: drain\ndata: {"cursor":"7","retryAfterMs":500}\n\n')
  await closed
})
