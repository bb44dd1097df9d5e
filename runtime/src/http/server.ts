import { performance } from 'node:perf_hooks'
import { continueTrace, commonProblems, isProblem, newTraceparent, type StreamFrame, traceIdOf } from '@soma/kernel'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { BoundOperation } from '../call/bind.ts'
import { authorize } from '../call/execute.ts'
import { refuseUnreadable } from '../call/readable.ts'
import { sendDocument } from './document.ts'
import { sendEventStream } from './event-stream.ts'
import type { StoredAnswer } from './idempotency.ts'
import { successStatus } from './openapi.ts'
import { addPlatformRoutes } from './platform-routes.ts'
import { rawClientError, sendProblem, toProblem } from './problem-reply.ts'
import { checkAccept, credentialsOf, readInput } from './read-request.ts'
import type { HttpServerOptions } from './server-options.ts'

/** 1 MiB unless the operation says otherwise. */
const BODY_LIMIT_BYTES = 1_048_576
const HEADER_LIMIT_BYTES = 16_384

/** The Fastify server of one process: a route an operation, health, metrics, OpenAPI and problem pages. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    requestTimeout: 60_000,
    http: { maxHeaderSize: HEADER_LIMIT_BYTES },
    routerOptions: { maxParamLength: 2048, ignoreTrailingSlash: false },
    frameworkErrors: (error, _request, reply) =>
      void sendProblem(reply, toProblem(error, options.log), traceIdOf(newTraceparent())),
    clientErrorHandler(error, socket) {
      if (socket.writable) socket.end(rawClientError((error as { code?: string }).code))
    },
  })
  acceptBodies(app)
  // Node would answer an expectation it does not know with a bare 417; RFC 9110 lets a server pass over it.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.decorateRequest('traceparent', '')
  app.addHook('onRequest', async (request) => {
    request.traceparent = traceOf(request)
  })
  app.addHook('onRequest', async (request, reply) => {
    if (options.drain.aborted) refuseWhileDraining(request, reply)
  })
  app.setErrorHandler((error, request, reply) => {
    sendProblem(reply, toProblem(error, options.log), traceIdOf(request.traceparent))
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, whyNotFound(options.operations, request), traceIdOf(request.traceparent)),
  )
  for (const bound of options.operations) addRoute(app, bound, options)
  addPlatformRoutes(app, options)
  return app
}

declare module 'fastify' {
  interface FastifyRequest {
    traceparent: string
  }
}

function traceOf(request: FastifyRequest): string {
  const header = request.headers.traceparent
  return continueTrace(typeof header === 'string' ? header : undefined)
}

/** How the process is can still be asked; work is refused, so that the client takes it elsewhere. */
function refuseWhileDraining(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('connection', 'close')
  if (!PROBES.has(request.url)) throw commonProblems.unavailable.create('this process is stopping')
}

const PROBES = new Set(['/health', '/ready', '/metrics'])

/** JSON is parsed strictly (prototype keys are refused); every other type arrives as bytes, and the operation says whether it reads it. */
function acceptBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(/^application\/([\w.-]+\+)?json/, { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, undefined)
    else void parseJson(request, text as string, done)
  })
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, bytes, done) =>
    done(null, bytes.length === 0 ? undefined : bytes),
  )
}

function addRoute(app: FastifyInstance, bound: BoundOperation, options: HttpServerOptions): void {
  const { operation } = bound
  app.route({
    method: operation.method === 'GET' && operation.stream === undefined ? ['GET', 'HEAD'] : operation.method,
    url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    bodyLimit: operation.bodyLimitBytes ?? BODY_LIMIT_BYTES,
    handler: async (request, reply) => {
      const startedAt = performance.now()
      let outcome = 'ok'
      try {
        return await answer(bound, { request, reply }, options)
      } catch (error) {
        outcome = isProblem(error) ? error.code : 'internal'
        throw error
      } finally {
        options.metrics.count('soma_server_requests_total', { operation: operation.id, outcome })
        // How long a stream stays open says nothing of how fast it is.
        if (operation.stream === undefined)
          options.metrics.observe('soma_server_request_seconds', (performance.now() - startedAt) / 1000, {
            operation: operation.id,
          })
      }
    },
  })
}

async function answer(
  bound: BoundOperation,
  http: { request: FastifyRequest; reply: FastifyReply },
  options: HttpServerOptions,
): Promise<unknown> {
  const { operation } = bound
  const { request, reply } = http
  checkAccept(operation, request)
  const context = await options.authenticate(credentialsOf(request, operation.id))
  // Before a stored answer is looked up: who has lost the capability gets none.
  authorize(operation, context)
  const input = readInput(bound, http)
  refuseUnreadable(input)
  const call = async (): Promise<StoredAnswer> => ({
    status: successStatus(operation),
    body: await options.execute(bound, context, input),
  })
  if (operation.stream !== undefined) {
    const frames = (await options.execute(bound, context, input)) as AsyncIterable<StreamFrame>
    reply.hijack()
    await sendEventStream(reply.raw, frames, options.drain).catch((error: unknown) => {
      // The head is sent: the client sees the stream break, and only the log can say why.
      if (!isProblem(error)) options.log.error('a stream failed', { operation: operation.id, error })
      throw error
    })
    return reply
  }
  const key = input.idempotencyKey
  const { status, body } =
    operation.method === 'POST' && key !== undefined && context.method !== 'none'
      ? await options.idempotency.once(
          // Whose name the caller acts in decides what is made and seen, as the body does.
          { context, operation, key, body: [input.params, input.body, context.spaceId, context.userId] },
          call,
        )
      : await call()
  if (operation.document === true) return sendDocument(body, http)
  return reply
    .code(status)
    .headers(entityTag(body))
    .send(body ?? undefined)
}

function entityTag(body: unknown): Record<string, string> {
  const version = typeof body === 'object' && body !== null && 'version' in body ? body.version : undefined
  return Number.isInteger(version) ? { etag: `"${version}"` } : {}
}

/** 405 with the methods of the path where the path exists, else 404. */
function whyNotFound(operations: readonly BoundOperation[], request: FastifyRequest) {
  const path = request.url.split('?')[0] as string
  const allow = operations
    .filter(({ operation }) => pathPattern(operation.path).test(path))
    .flatMap(({ operation }) => (operation.method === 'GET' ? ['GET', 'HEAD'] : [operation.method]))
  if (allow.length === 0) return commonProblems.notFound.create(`nothing at ${path.slice(0, 200)}`)
  return commonProblems.methodNotAllowed.create(`${request.method} is not a method of this path`, {
    allow: [...new Set(allow)],
  })
}

const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{\w+\}/g, '[^/]+')}$`)
