import { performance } from 'node:perf_hooks'
import {
  childTraceparent,
  commonProblems,
  type Context,
  type Contract,
  isProblem,
  type Logger,
  type Metrics,
  newTraceparent,
  type ProblemDefinition,
  type StreamFrame,
  traceIdOf,
} from '@soma/kernel'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { BoundOperation } from '../call/bind.ts'
import { authorize, type Execute } from '../call/execute.ts'
import { refuseUnreadable } from '../call/readable.ts'
import { sendEventStream } from './event-stream.ts'
import type { IdempotencyStore, StoredAnswer } from './idempotency.ts'
import { successStatus, toOpenApi } from './openapi.ts'
import { problemPage } from './problem-pages.ts'
import { rawClientError, sendProblem, toProblem } from './problem-reply.ts'

/** What an authenticator may look at. */
export interface RequestCredentials {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly remoteAddress: string
  readonly traceparent: string
}

export interface HttpServerOptions {
  readonly operations: readonly BoundOperation[]
  /** Of the whole platform as far as this process knows it: the OpenAPI document and the problem pages. */
  readonly contracts: readonly Contract[]
  readonly version: string
  readonly execute: Execute
  /** Proves the caller. Answers a context with method `none` when there is no credential; throws `unauthenticated` for a bad one. */
  readonly authenticate: (credentials: RequestCredentials) => Promise<Context>
  readonly idempotency: IdempotencyStore
  readonly ready: () => Promise<ReadyReport>
  readonly log: Logger
  readonly metrics: Metrics
  /** Aborts when the process drains: streams end with a `drain` frame. */
  readonly drain: AbortSignal
}

export interface ReadyReport {
  readonly status: 'ready' | 'not-ready' | 'draining'
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly detail?: string
    readonly ms: number
  }[]
}

/** 1 MiB unless the operation says otherwise. */
const BODY_LIMIT_BYTES = 1_048_576
const HEADER_LIMIT_BYTES = 16_384

/** The Fastify server of one process: a route an operation, health, metrics, OpenAPI and problem pages. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
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
  app.decorateRequest('traceparent', '')
  app.addHook('onRequest', async (request) => {
    request.traceparent = traceOf(request)
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
  return typeof header === 'string' ? childTraceparent(header) : newTraceparent()
}

/** JSON is parsed strictly (prototype keys are refused); every other type arrives as text, and the operation says whether it reads it. */
function acceptBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(/^application\/([\w.-]+\+)?json/, { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, undefined)
    else void parseJson(request, text as string, done)
  })
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) =>
    done(null, text === '' ? undefined : text),
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
  checkAccept(operation.stream !== undefined, request)
  const context = await options.authenticate(credentialsOf(request))
  // Before a stored answer is looked up: who has lost the capability gets none.
  authorize(operation, context)
  const input = {
    params: request.params,
    query: request.query,
    body: readBody(bound, request),
    ifMatch: versionOf(request.headers['if-match']),
    idempotencyKey: idempotencyKeyOf(request),
    lastEventId: headerOf(request, 'last-event-id'),
    get signal() {
      return goneSignal(reply)
    },
  }
  refuseUnreadable(input)
  const call = async (): Promise<StoredAnswer> => ({
    status: successStatus(operation),
    body: await options.execute(bound, context, input),
  })
  if (operation.stream !== undefined) {
    const frames = (await options.execute(bound, context, input)) as AsyncIterable<StreamFrame>
    reply.hijack()
    await sendEventStream(reply.raw, frames, { drain: options.drain, headers: {} })
    return reply
  }
  const key = input.idempotencyKey
  const { status, body } =
    operation.method === 'POST' && operation.secret !== true && key !== undefined && context.method !== 'none'
      ? await options.idempotency.once(
          { context, operation: operation.id, key, body: [input.params, input.body] },
          call,
        )
      : await call()
  return reply
    .code(status)
    .headers(entityTag(body))
    .send(body ?? undefined)
}

/** Made only for handlers that look at it: an AbortController a request costs a tenth of a small GET. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  if (reply.raw.destroyed) gone.abort()
  else reply.raw.once('close', () => gone.abort())
  return gone.signal
}

function checkAccept(streams: boolean, request: FastifyRequest): void {
  const accept = request.headers.accept
  if (accept === undefined || accept.includes('*/*') || accept.includes('application/*')) return
  const wanted = streams ? 'text/event-stream' : 'json'
  if (!accept.includes(wanted))
    throw commonProblems.notAcceptable.create(
      `this operation answers ${streams ? 'text/event-stream' : 'application/json'}, not "${accept.slice(0, 100)}"`,
    )
}

function credentialsOf(request: FastifyRequest): RequestCredentials {
  return {
    headers: request.headers as Record<string, string | undefined>,
    remoteAddress: request.ip,
    traceparent: request.traceparent,
  }
}

function readBody({ operation }: BoundOperation, request: FastifyRequest): unknown {
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (operation.decode !== undefined && operation.body !== undefined) {
    if (
      contentType !== 'application/json' &&
      contentType !== '' &&
      !isAccepted(operation.accepts ?? [], contentType, request)
    )
      throw unsupported(contentType)
    return operation.decode({
      contentType,
      headers: request.headers as Record<string, string | undefined>,
      body: request.body,
    })
  }
  if (request.body !== undefined && contentType !== 'application/json') throw unsupported(contentType)
  return request.body
}

/** `*` in `accepts` reads any type (CloudEvents in binary mode, told by its `ce-*` headers). */
const isAccepted = (accepts: readonly string[], contentType: string, request: FastifyRequest): boolean =>
  accepts.includes(contentType) || (accepts.includes('*') && request.headers['ce-specversion'] !== undefined)

const unsupported = (contentType: string) =>
  commonProblems.unsupportedMediaType.create(`"${contentType}" is not read here`)

function versionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return undefined
  const match = /^"(\d{1,15})"$/.exec(ifMatch)
  if (match === null)
    throw commonProblems.invalidRequest.create('If-Match must be one version in quotes', {
      errors: [{ pointer: '/headers/if-match', code: 'invalid', detail: 'send If-Match: "<version>"' }],
    })
  return Number(match[1])
}

function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = headerOf(request, 'idempotency-key')
  if (key !== undefined && (key === '' || key.length > 255)) {
    throw commonProblems.invalidRequest.create('Idempotency-Key has 1–255 characters', {
      errors: [{ pointer: '/headers/idempotency-key', code: 'too-big', detail: `it has ${key.length} characters` }],
    })
  }
  return key
}

const headerOf = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
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

function addPlatformRoutes(app: FastifyInstance, options: HttpServerOptions): void {
  const openApi = JSON.stringify(toOpenApi(options.contracts, { version: options.version }))
  const problems = problemsOf(options.contracts)
  app.get('/openapi.json', (_request, reply) => reply.type('application/json').send(openApi))
  app.get('/health', () => ({ status: 'ok' }))
  app.get('/ready', async (_request, reply) => {
    const report = await options.ready()
    return reply.code(report.status === 'ready' ? 200 : 503).send(report)
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await options.metrics.render()
    return reply.type(contentType).send(body)
  })
  app.get<{ Params: { code: string } }>('/problems/:code', (request, reply) => {
    const definition = problems.get(request.params.code)
    if (definition === undefined)
      throw commonProblems.notFound.create(`there is no problem "${request.params.code.slice(0, 100)}"`)
    return reply.type('text/html; charset=utf-8').send(problemPage(definition))
  })
}

/** Every problem that some contract or operation declares, by code. */
export function problemsOf(contracts: readonly Contract[]): Map<string, ProblemDefinition> {
  const declared = contracts.flatMap((contract) => [
    ...(contract.problems ?? []),
    ...Object.values(contract.operations).flatMap((verbs) =>
      Object.values(verbs).flatMap((operation) => operation.problems ?? []),
    ),
  ])
  return new Map([...Object.values(commonProblems), ...declared].map((definition) => [definition.code, definition]))
}
