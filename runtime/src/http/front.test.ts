import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { type Front, type FrontAnswer, type FrontRequest, silentLogger } from '@soma/kernel'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenFront, mountFront } from './front.ts'

const asked: FrontRequest[] = []
let answer: (request: FrontRequest) => Promise<FrontAnswer>
const text = (body: FrontAnswer['body'], status = 200): FrontAnswer => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body,
})
const front: Front = {
  prefix: '/old',
  listeners: [],
  answer: (request) => {
    asked.push(request)
    return answer(request)
  },
  refuse: ({ status, code }) => text(`refused: ${code}`, status),
}

let app: FastifyInstance
let url: string
const cleanups: (() => unknown)[] = []
beforeEach(async () => {
  asked.length = 0
  answer = async () => text('hello')
  app = fastify()
  await mountFront(app, front, silentLogger)
  url = await app.listen({ host: '127.0.0.1', port: 0 })
  cleanups.push(() => app.close())
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

test('a front gets the path, the query and the bytes as they came, whatever their type, and nothing outside its prefix', async () => {
  const body = '{"not": json'
  const response = await fetch(`${url}/old/a%2Fb/?x=1?2`, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/json', 'X-Some': 'Thing' },
  })
  expect([response.status, await response.text()]).toEqual([200, 'hello'])
  expect(asked[0]).toMatchObject({ method: 'PUT', path: '/old/a%2Fb/', query: 'x=1?2', remoteAddress: '127.0.0.1' })
  expect(asked[0]?.headers['x-some']).toBe('Thing')
  expect(new TextDecoder().decode(asked[0]?.body)).toBe(body)
  expect((await fetch(`${url}/older`)).status).toBe(404)
})

test('what the server refuses is said in the words of the front', async () => {
  const large = await fetch(`${url}/old/x`, { method: 'POST', body: 'x'.repeat(8 * 1024 * 1024 + 1) })
  expect([large.status, await large.text()]).toEqual([413, 'refused: payload-too-large'])
  answer = () => Promise.reject(new Error('a bug'))
  const broken = await fetch(`${url}/old/x`)
  expect([broken.status, await broken.text()]).toEqual([500, 'refused: internal'])
})

test('a stream whose client does not read is not read for, and one whose client goes ends', async () => {
  const part = 'x'.repeat(256 * 1024)
  let made = 0
  let ended: () => void = () => {}
  const end = new Promise<void>((resolve) => {
    ended = resolve
  })
  async function* parts() {
    try {
      for (; made < 10_000; made += 1) yield part
    } finally {
      ended()
    }
  }
  answer = async () => text(parts())
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.pause()
  socket.write('GET /old/stream HTTP/1.1\r\nHost: x\r\n\r\n')
  // What the kernels of both sides buffer is a few MiB; then nothing more is made.
  let before = -1
  for (; made === 0 || made !== before; await new Promise((resolve) => setTimeout(resolve, 200))) before = made
  expect(made).toBeLessThan(200)
  socket.destroy()
  await end
})

test('a listener serves the front as if its prefix were the root, and names its setting where the port is taken', async () => {
  const listener = { host: '127.0.0.1', port: 0, prefix: '/old/one', setting: 'toy.ports' }
  const listening = await listenFront(front, listener, silentLogger)
  cleanups.push(() => listening.close(1000))
  expect(await (await fetch(`${listening.url}/v1/x?y=1`)).text()).toBe('hello')
  expect(asked[0]).toMatchObject({ path: '/old/one/v1/x', query: 'y=1' })
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  cleanups.push(() => taken.close())
  const { port } = taken.address() as { port: number }
  await expect(listenFront(front, { ...listener, port }, silentLogger)).rejects.toThrow(
    `port ${port} of 127.0.0.1, named by the setting toy.ports`,
  )
})
