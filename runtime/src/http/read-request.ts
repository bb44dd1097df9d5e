import { commonProblems, type Operation } from '@soma/kernel'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BoundOperation } from '../call/bind.ts'
import type { CallInput } from '../call/execute.ts'
import { acceptsYaml } from './document.ts'

/** What an authenticator may look at. */
export interface RequestCredentials {
  /** Id of the operation asked for. Without one (a proof outside any request) a context token proves nothing. */
  readonly operation?: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly remoteAddress: string
  readonly traceparent: string
}

/** The input of an operation as it came, not parsed by its schemas yet. */
export function readInput(
  bound: BoundOperation,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): CallInput {
  return {
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
}

/** Made only for handlers that look at it: an AbortController a request costs a tenth of a small GET. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  if (reply.raw.destroyed) gone.abort()
  else reply.raw.once('close', () => gone.abort())
  return gone.signal
}

/** @throws not-acceptable when the caller reads neither what this operation answers nor everything */
export function checkAccept(
  { stream, document }: Pick<Operation, 'stream' | 'document'>,
  request: FastifyRequest,
): void {
  const accept = request.headers.accept
  const streams = stream !== undefined
  if (accept === undefined || accept.includes('*/*') || accept.includes('application/*')) return
  if (document === true && acceptsYaml(request)) return
  const wanted = streams ? 'text/event-stream' : 'json'
  if (!accept.includes(wanted))
    throw commonProblems.notAcceptable.create(
      `this operation answers ${streams ? 'text/event-stream' : 'application/json'}, not "${accept.slice(0, 100)}"`,
    )
}

export function credentialsOf(request: FastifyRequest, operation: string): RequestCredentials {
  return {
    operation,
    headers: request.headers as Record<string, string | undefined>,
    remoteAddress: request.ip,
    traceparent: request.traceparent,
  }
}

/** @throws unsupported-media-type */
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
      contentType: request.headers['content-type'] ?? '',
      headers: request.headers as Record<string, string | undefined>,
      body: request.body,
    })
  }
  if (request.body !== undefined && contentType !== 'application/json') throw unsupported(contentType)
  return request.body
}

/** The wildcard in `accepts` reads any type (CloudEvents in binary mode, told by its `ce-*` headers). */
const isAccepted = (accepts: readonly string[], contentType: string, request: FastifyRequest): boolean =>
  accepts.includes(contentType) || (accepts.includes('*/*') && request.headers['ce-specversion'] !== undefined)

const unsupported = (contentType: string) =>
  commonProblems.unsupportedMediaType.create(`"${contentType}" is not read here`)

/** Versions are int4 columns: a higher one is stale like any other that nothing has. */
const HIGHEST_VERSION = 2_147_483_647

function versionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return undefined
  const match = /^"(\d{1,15})"$/.exec(ifMatch)
  if (match === null)
    throw commonProblems.invalidRequest.create('If-Match must be one version in quotes', {
      errors: [{ pointer: '/headers/if-match', code: 'invalid', detail: 'send If-Match: "<version>"' }],
    })
  return Math.min(Number(match[1]), HIGHEST_VERSION)
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
