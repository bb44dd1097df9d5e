import { commonProblems, isProblem, type Logger, type Problem, toProblemDocument } from '@soma/kernel'
import type { FastifyError, FastifyReply } from 'fastify'

/** Sends a problem as RFC 9457 with the headers that belong to it. */
export function sendProblem(reply: FastifyReply, problem: Problem, traceId: string): FastifyReply {
  const { retryAfterMs, allow } = problem.extensions
  if (typeof retryAfterMs === 'number') reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1000)))
  else if (problem.status === 503) reply.header('retry-after', 1)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="soma"')
  if (Array.isArray(allow)) reply.header('allow', allow.join(', '))
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify(toProblemDocument(problem, traceId)))
}

/** Turns whatever was thrown on the way into a problem: Fastify's own errors by code, everything unknown into `internal` with its cause logged. */
export function toProblem(error: unknown, log: Logger): Problem {
  if (isProblem(error)) return error
  const fastifyError = error as Partial<FastifyError>
  const known = fromFastify(fastifyError)
  if (known !== undefined) return known
  log.error('request failed', { error })
  return commonProblems.internal.create('the request failed', { cause: error })
}

function fromFastify(error: Partial<FastifyError>): Problem | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return commonProblems.payloadTooLarge.create('the body is larger than this operation allows')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return commonProblems.unsupportedMediaType.create('this content type is not read here')
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return commonProblems.malformedBody.create('the body has another length than Content-Length says')
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return commonProblems.notFound.create('the path cannot be decoded')
    default:
      return error.statusCode === 400
        ? commonProblems.malformedBody.create(error.message ?? 'the request cannot be read')
        : undefined
  }
}

/** The answer to bytes that are no HTTP request, or to headers over the limit, written before Fastify sees them. */
export function rawClientError(code: string | undefined): string {
  const problem =
    code === 'HPE_HEADER_OVERFLOW'
      ? commonProblems.headersTooLarge.create('the headers are larger than 16 KiB')
      : commonProblems.malformedBody.create('this is not an HTTP request')
  const body = JSON.stringify(toProblemDocument(problem))
  const reason = problem.status === 431 ? 'Request Header Fields Too Large' : 'Bad Request'
  return `HTTP/1.1 ${problem.status} ${reason}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
}
