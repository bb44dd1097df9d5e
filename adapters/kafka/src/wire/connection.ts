import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type ConnectionOptions as TlsOptions, connect as connectTls } from 'node:tls'
import type { Api } from './api.ts'
import { apiVersions, saslAuthenticate, saslHandshake } from './cluster-apis.ts'
import { createDecoder } from './decoder.ts'
import { createEncoder } from './encoder.ts'
import { CODES, kafkaError } from './kafka-error.ts'
import { authenticate, type SaslOptions } from './sasl.ts'

/** Part of a session's life after which a new connection is made instead. */
const SESSION_USE = 0.85
const LENGTH_BYTES = 4

export interface Security {
  /** Absent: no encryption. */
  readonly tls?: Pick<TlsOptions, 'ca' | 'cert' | 'key' | 'servername'> | undefined
  readonly sasl?: SaslOptions | undefined
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** A connection to one broker. Requests are sent at once and answered in order. */
export interface Connection {
  /** @throws Error when the connection ends or the answer is late; the connection is of no use then */
  send<Request, Response>(api: Api<Request, Response>, request: Request, timeoutMs: number): Promise<Response>
  isUsable(): boolean
  close(reason?: Error): void
}

interface Waiting {
  readonly take: (answer: Buffer) => void
  readonly fail: (reason: Error) => void
}

/** Connects, authenticates and asks what the broker speaks. @throws Error when it is away, refuses, or is too old */
export async function openConnection(
  address: Address,
  { tls, sasl }: Security,
  { timeoutMs, needs }: { timeoutMs: number; needs: readonly Api<never, unknown>[] },
): Promise<Connection> {
  const socket = await openSocket(address, tls, timeoutMs)
  const until = { usable: Number.POSITIVE_INFINITY }
  const connection = createConnection(socket, address, until)
  try {
    requireVersions(await connection.send(apiVersions, undefined, timeoutMs), needs)
    if (sasl !== undefined) {
      const { error, mechanisms } = await connection.send(saslHandshake, sasl.mechanism, timeoutMs)
      if (error !== 0) throw kafkaError(error, `the server offers ${mechanisms.join(', ')}`)
      await authenticate(sasl, async (bytes) => {
        const answer = await connection.send(saslAuthenticate, bytes, timeoutMs)
        if (answer.error !== 0) throw kafkaError(answer.error, answer.message)
        if (answer.lifetimeMs > 0) until.usable = performance.now() + answer.lifetimeMs * SESSION_USE
        return answer.bytes
      })
    }
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

/** An address is no name that a server could choose its certificate by. */
const serverNameOf = ({ host }: Address) => (isIP(host) === 0 ? { servername: host } : {})

function openSocket(address: Address, tls: Security['tls'], timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket =
      tls === undefined ? connectPlain(address) : connectTls({ ...serverNameOf(address), ...tls, ...address })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no connection to ${address.host}:${address.port} within ${timeoutMs} ms`))
    }, timeoutMs)
    const settle = (done: () => void) => () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      done()
    }
    socket.setNoDelay(true)
    socket.once(
      tls === undefined ? 'connect' : 'secureConnect',
      settle(() => resolve(socket)),
    )
    socket.once('error', (error) => settle(() => reject(error))())
  })
}

function createConnection(socket: Socket, { host, port }: Address, until: { readonly usable: number }): Connection {
  const waiting: Waiting[] = []
  let correlation = 0
  let ended: Error | undefined

  const end = (reason: Error) => {
    if (ended !== undefined) return
    ended = reason
    socket.destroy()
    for (const { fail } of waiting.splice(0)) fail(reason)
  }
  receiveFrames(socket, (frame) => waiting.shift()?.take(frame))
  socket.on('error', end)
  socket.on('close', () => end(new Error(`the connection to ${host}:${port} ended`)))

  return {
    isUsable: () => ended === undefined && performance.now() < until.usable,
    close: (reason = new Error('closed')) => end(reason),
    send: (api, request, timeoutMs) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended)
        correlation = (correlation + 1) % 0x7fffffff
        const wanted = correlation
        const frame = encodeRequest(api, request, wanted)
        const timer = setTimeout(
          () => end(new Error(`${host}:${port} did not answer ${api.name} within ${timeoutMs} ms`)),
          timeoutMs,
        )
        const fail = (reason: Error) => {
          clearTimeout(timer)
          reject(reason)
        }
        const take = (answer: Buffer) => {
          clearTimeout(timer)
          try {
            resolve(openAnswer(api, answer, wanted))
          } catch (error) {
            reject(error)
            end(new Error(`${host}:${port} answered ${api.name} with something else`, { cause: error }))
          }
        }
        waiting.push({ take, fail })
        const length = Buffer.allocUnsafe(LENGTH_BYTES)
        length.writeInt32BE(frame.length)
        socket.cork()
        socket.write(length)
        socket.write(frame)
        socket.uncork()
      }),
  }
}

function encodeRequest<Request>(api: Api<Request, unknown>, request: Request, correlation: number): Buffer {
  const encoder = createEncoder().int16(api.key).int16(api.version).int32(correlation).string('soma')
  if (api.isFlexible) encoder.noTags()
  api.encode(encoder, request)
  return encoder.take()
}

function openAnswer<Response>(api: Api<never, Response>, answer: Buffer, correlation: number): Response {
  const decoder = createDecoder(answer)
  const given = decoder.int32()
  if (given !== correlation) throw new Error(`an answer to request ${given} came for ${correlation}`)
  if (api.isFlexible) decoder.skipTags()
  return api.decode(decoder)
}

/** Calls `take` with each frame: four bytes of length, then as many of content. */
function receiveFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let chunks: Buffer[] = []
  let held = 0
  let wanted = LENGTH_BYTES
  let isLength = true
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    held += chunk.length
    while (held >= wanted) {
      const all = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, held)
      const part = all.subarray(0, wanted)
      chunks = [all.subarray(wanted)]
      held -= wanted
      if (!isLength) take(part)
      wanted = isLength ? part.readInt32BE() : LENGTH_BYTES
      isLength = !isLength
    }
  })
}

function requireVersions(
  { error, apis }: { error: number; apis: readonly { key: number; min: number; max: number }[] },
  needs: readonly Api<never, unknown>[],
): void {
  if (error !== 0) throw kafkaError(error)
  const missing = needs.find(
    (need) => !apis.some(({ key, min, max }) => key === need.key && min <= need.version && need.version <= max),
  )
  if (missing !== undefined)
    throw kafkaError(
      CODES.UNSUPPORTED_VERSION,
      `the broker does not speak ${missing.name} ${missing.version}: Kafka 3.1 to 4.x is needed`,
    )
}
