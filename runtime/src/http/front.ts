import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { commonProblems, type Front, type FrontAnswer, type FrontListener, isProblem, type Logger } from '@soma/kernel'
import type { FastifyInstance } from 'fastify'
import { closeWithin } from './close-server.ts'
import { toProblem } from './problem-reply.ts'

/** As much as the largest operation of a contract reads. */
const BODY_LIMIT_BYTES = 8 * 1024 * 1024

/** Serves a front under its prefix: bodies reach it as bytes, and what the server refuses is said in its words. */
export async function mountFront(app: FastifyInstance, front: Front, log: Logger): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // The front reads the bytes from the request itself.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.setErrorHandler((error, _request, reply) => {
      const { status, headers, body } = front.refuse(toProblem(error, log))
      return reply.code(status).headers(headers).send(body)
    })
    for (const url of [front.prefix, `${front.prefix}/*`])
      scope.all(url, async (request, reply) => {
        reply.hijack()
        await serve(front, { request: request.raw, response: reply.raw, url: request.raw.url ?? '', log })
      })
  })
}

/** Serves a front on a port of its own, as if the listener's prefix were the root. @throws Error naming port and setting when the port is taken */
export async function listenFront(
  front: Front,
  { host, port, prefix, setting }: FrontListener,
  log: Logger,
): Promise<{ readonly url: string; close(graceMs: number): Promise<void> }> {
  const server = createServer((request, response) => {
    void serve(front, { request, response, url: `${prefix}${request.url ?? ''}`, log })
  })
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new Error(`port ${port} of ${host}, named by the setting ${setting}, can't be had`, { cause: error })
  }
  const { port: bound } = server.address() as { port: number }
  return {
    url: `http://${host}:${bound}`,
    close: (graceMs) => closeWithin(server, graceMs, () => once(server.close(), 'close')),
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: string
  readonly log: Logger
}

/** One request to its end. Never throws: what fails after the head is sent breaks the connection, and the log says why. */
async function serve(front: Front, exchange: Exchange): Promise<void> {
  const { request, response, log } = exchange
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    await send(response, await answerOf(front, exchange, gone.signal), gone.signal)
  } catch (error) {
    if (!gone.signal.aborted) log.error('an answer of a front failed', { path: request.url, error })
    response.destroy()
  }
}

async function answerOf(front: Front, { request, url, log }: Exchange, signal: AbortSignal): Promise<FrontAnswer> {
  const [path = '', ...query] = url.split('?')
  try {
    return await front.answer({
      method: request.method ?? 'GET',
      path,
      query: query.join('?'),
      headers: request.headers as Record<string, string | undefined>,
      body: await readBody(request),
      remoteAddress: request.socket.remoteAddress ?? '',
      signal,
    })
  } catch (error) {
    return front.refuse(isProblem(error) ? error : toProblem(error, log))
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > BODY_LIMIT_BYTES)
      throw commonProblems.payloadTooLarge.create(`the body is larger than ${BODY_LIMIT_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

async function send(response: ServerResponse, answer: FrontAnswer, gone: AbortSignal): Promise<void> {
  response.writeHead(answer.status, answer.headers)
  if (typeof answer.body === 'string') {
    response.end(answer.body)
    return
  }
  response.flushHeaders()
  for await (const part of answer.body) {
    if (gone.aborted) break
    await written(response, part, gone)
  }
  response.end()
}

/** Resolves when the operating system has taken the bytes. @throws when the client went before */
function written(response: ServerResponse, part: string, gone: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onGone = () => reject(new Error('the client has gone'))
    gone.addEventListener('abort', onGone, { once: true })
    response.write(part, (error) => {
      gone.removeEventListener('abort', onGone)
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}
