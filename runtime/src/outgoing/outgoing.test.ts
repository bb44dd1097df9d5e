import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createOutgoing, type Outgoing, type OutgoingOptions } from './outgoing.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const anOutgoing = (options: Partial<OutgoingOptions> = {}): Outgoing => {
  const outgoing = createOutgoing({ allowedRanges: [], allowsInsecure: false, ...options })
  closing.push(outgoing.close)
  return outgoing
}
const anInsecure = (options: Partial<OutgoingOptions> = {}) => anOutgoing({ allowsInsecure: true, ...options })
const post = (outgoing: Outgoing, url: string, more: { timeoutMs?: number } = {}) =>
  outgoing.send({ method: 'POST', url, headers: {}, body: Buffer.from('hello'), timeoutMs: 2000, ...more })

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
const aTarget = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  listen(createServer((request, response) => void request.resume().on('end', () => answer(request, response))))
/** Says what it likes on the socket, HTTP or not. */
const aRawTarget = (speak: (socket: Socket) => void) =>
  listen(
    createSocketServer((socket) => void socket.on('error', () => socket.destroy()).once('data', () => speak(socket))),
  )

describe('an address that a user chose', () => {
  it.each([
    ['octal', 'https://0177.0.0.1/'],
    ['decimal', 'https://2130706433/'],
    ['hexadecimal', 'https://0x7f000001/'],
    ['short', 'https://127.1/'],
    ['with a dot behind it', 'https://127.0.0.1./'],
    ['in full-width digits', 'https://１２７.0.0.1/'],
    ['mapped into IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['IPv6', 'https://[::1]/'],
    ['of the metadata service', 'https://169.254.169.254/latest/meta-data/'],
    ['by its name', 'https://localhost/'],
    ['by a name below it', 'https://a.localhost./'],
    ['with credentials', 'https://user:secret@example.com/'],
    ['without TLS', 'http://example.com/'],
    ['of another scheme', 'file:///etc/passwd'],
    ['that is none', 'not a url'],
  ])('is refused %s', async (_how, url) => {
    expect(await post(anOutgoing(), url)).toEqual({ refused: expect.any(String) })
  })

  it('is refused when one of its addresses is', async () => {
    const outgoing = anOutgoing({
      resolve: async () => [
        { address: '93.184.215.14', family: 4 },
        { address: '10.0.0.7', family: 4 },
      ],
    })
    expect(await post(outgoing, 'https://half.example/')).toEqual({
      refused: 'half.example is refused: 10.0.0.7 is in a range that is not open to everybody',
    })
  })

  it('is connected to as it was checked: a name that says something else the next moment changes nothing', async () => {
    let asked = 0
    const port = await aTarget((_request, response) => response.end('inside'))
    const outgoing = anOutgoing({
      allowedRanges: ['127.0.0.2/32'],
      resolve: async () => [{ address: ++asked === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }],
    })
    // The first answer is allowed and nobody listens there; the target at the second one hears nothing.
    await expect(post(outgoing, `https://rebind.example:${port}/`)).rejects.toThrow('ECONNREFUSED')
    expect(asked).toBe(1)
    expect(await post(outgoing, `https://rebind.example:${port}/`)).toEqual({
      refused: expect.stringContaining('127.0.0.1'),
    })
  })

  it('is not left for where a redirect points', async () => {
    const asked: string[] = []
    const inside = await aTarget((request, response) => {
      asked.push(request.url ?? '')
      response.end('secret')
    })
    const port = await aTarget((_request, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${inside}/latest/meta-data` }).end(),
    )
    expect(await post(anInsecure(), `http://127.0.0.1:${port}/`)).toMatchObject({ status: 307 })
    expect(asked).toEqual([])
  })
})

describe('a target that misbehaves', () => {
  it('is given up after its time, before or within the headers', async () => {
    const silent = await aRawTarget(() => undefined)
    const dripping = await aRawTarget((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const timer = setInterval(() => socket.write('x-a: b\r\n'), 20)
      socket.on('close', () => clearInterval(timer))
    })
    for (const port of [silent, dripping])
      await expect(post(anInsecure(), `http://127.0.0.1:${port}/`, { timeoutMs: 200 })).rejects.toThrow(
        'no answer within 200 ms',
      )
  })

  it('with a body that does not end has answered, and loses its connection', async () => {
    let done = () => {}
    const closed = new Promise<void>((resolve) => (done = resolve))
    const port = await aRawTarget((socket) => {
      socket.on('close', () => done())
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const more = () => {
        while (!socket.destroyed && socket.write('x'.repeat(16_384)));
        socket.once('drain', more)
      }
      more()
    })
    expect(await post(anInsecure(), `http://127.0.0.1:${port}/`)).toMatchObject({ status: 200 })
    await closed
  })

  it('with a compressed bomb is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const port = await aTarget((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    )
    const before = process.memoryUsage().rss
    expect(await post(anInsecure(), `http://127.0.0.1:${port}/`)).toMatchObject({ status: 200 })
    expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000)
  })

  it('with ten thousand headers has not answered', async () => {
    const port = await aRawTarget((socket) => {
      const headers = Array.from({ length: 10_000 }, (_, n) => `x-${n}: ${n}\r\n`).join('')
      socket.end(`HTTP/1.1 200 OK\r\n${headers}\r\n`)
    })
    await expect(post(anInsecure(), `http://127.0.0.1:${port}/`)).rejects.toThrow('Header overflow')
  })

  it('with what is no HTTP, or an upgrade, has not answered', async () => {
    const noise = await aRawTarget((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'))
    const upgrade = await aRawTarget((socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    )
    for (const port of [noise, upgrade])
      await expect(post(anInsecure(), `http://127.0.0.1:${port}/`)).rejects.toThrow(Error)
  })
})

it('asks again on a fresh connection where a kept one was closed meanwhile', async () => {
  const sockets: Socket[] = []
  const port = await aTarget((request, response) => {
    sockets.push(request.socket)
    response.end('done')
  })
  const outgoing = anInsecure()
  expect(await post(outgoing, `http://127.0.0.1:${port}/`)).toMatchObject({ status: 200 })
  sockets[0]?.resetAndDestroy()
  expect(await post(outgoing, `http://127.0.0.1:${port}/`)).toMatchObject({ status: 200 })
  expect(sockets.length).toBe(2)
})
