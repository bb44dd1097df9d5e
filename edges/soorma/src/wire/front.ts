import {
  continueTrace,
  type Front,
  type FrontAnswer,
  type FrontRequest,
  isProblem,
  type Logger,
  type Metrics,
  type Problem,
  commonProblems,
  traceIdOf,
} from '@soma/kernel'
import type { createCrossOrigin } from './cross-origin.ts'
import { detailOf, refusal } from './refusal.ts'
import type { Caller, Proof, Route } from './route.ts'
import { createRouter } from './router.ts'
import { assertReadable, readJson, validate } from './validation.ts'

export const PREFIX = '/soorma'

/** Proves the caller of a route. @throws 401, 403 or 400 in the words of the original */
export type Prove = (request: FrontRequest, proof: Proof, traceparent: string) => Promise<Caller | undefined>

export interface FrontOptions {
  readonly routes: readonly Route[]
  readonly prove: Prove
  readonly crossOrigin: ReturnType<typeof createCrossOrigin>
  readonly log: Logger
  readonly metrics: Metrics
}

type Headers = Record<string, string>

/** Reads a request of the dialect, proves its author, and answers in the dialect, refusals included. */
export function createAnswer(options: FrontOptions): Pick<Front, 'answer' | 'refuse'> {
  const find = createRouter(options.routes)
  return {
    refuse: (problem) => refuse(problem, {}),
    answer: async (request) => {
      const { headers, method, path } = request
      if (method === 'OPTIONS' && headers['access-control-request-method'] !== undefined)
        return options.crossOrigin.preflight(headers)
      const traceparent = continueTrace(headers.traceparent)
      const common = { 'x-soma-trace': traceIdOf(traceparent), ...options.crossOrigin.headersFor(headers.origin) }
      const found = find(method, path.slice(PREFIX.length))
      if (found.kind === 'redirect') return redirect(request, common)
      if (found.kind === 'nothing') return refuse(refusal(404, 'Not Found'), common)
      if (found.kind === 'wrong-method')
        return refuse(refusal(405, 'Method Not Allowed'), { ...common, allow: found.allow.join(', ') })
      const { route, params } = found
      const answer = await run(route, { request, params, traceparent, common }, options)
      options.metrics.count('soma_soorma_requests_total', {
        service: route.service,
        route: `${route.method} ${route.path}`,
        status: String(answer.status),
      })
      return answer
    },
  }
}

interface Asked {
  readonly request: FrontRequest
  readonly params: Readonly<Record<string, string>>
  readonly traceparent: string
  readonly common: Headers
}

async function run(route: Route, asked: Asked, { prove, log }: FrontOptions): Promise<FrontAnswer> {
  const { request, params, traceparent, common } = asked
  try {
    const caller = (await prove(request, route.proof, traceparent)) as never
    assertReadable('path', params)
    const query = route.query && validate(route.query, 'query', Object.fromEntries(new URLSearchParams(request.query)))
    const body = route.body && validate(route.body, 'body', readJson(request.body))
    const output = await route.handle({ caller, params, query: query as never, body: body as never, request })
    if (route.stream === true)
      return { status: 200, headers: { ...common, ...STREAM }, body: output as AsyncIterable<string> }
    if (route.output === undefined) return { status: 204, headers: common, body: '' }
    return json(route.status ?? 200, route.output.parse(output), common)
  } catch (error) {
    if (isProblem(error)) return refuse(error, common)
    log.error('a request failed', { route: `${route.method} ${route.path}`, error })
    return refuse(commonProblems.internal.create('the request failed', { cause: error }), common)
  }
}

const STREAM = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  connection: 'keep-alive',
}

const json = (status: number, body: unknown, headers: Headers): FrontAnswer => ({
  status,
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

function refuse(problem: Problem, headers: Headers): FrontAnswer {
  const { status, detail } = detailOf(problem)
  const { retryAfterMs } = problem.extensions
  return json(
    status,
    { detail },
    {
      ...headers,
      'x-soma-code': problem.code,
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(typeof retryAfterMs === 'number'
        ? { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }
        : {}),
    },
  )
}

/** On a legacy port the path that the client asked for lacks the prefix: what it is sent to is relative to that. */
function redirect({ path, query }: FrontRequest, headers: Headers): FrontAnswer {
  const segment = path.slice(0, -1).split('/').at(-1) ?? ''
  return { status: 307, headers: { ...headers, location: `../${segment}${query === '' ? '' : `?${query}`}` }, body: '' }
}
