import type { Transport } from './client.ts'
import type { OperationShape, StreamFrame } from './contract.ts'
import { commonProblems } from './common-problems.ts'
import { fromProblemDocument, isProblem, type ProblemDocument } from './problem.ts'
import { createSseParser } from './sse.ts'

export interface HttpTransportOptions {
  /** `http://host:port`, without a trailing slash. */
  readonly url: string | ((module: string) => string)
  /** Headers that prove the caller and carry the trace. */
  readonly headers: (
    call: Pick<Parameters<Transport>[0], 'contract' | 'noun' | 'verb' | 'caller' | 'context'>,
  ) => Promise<Record<string, string>> | Record<string, string>
  readonly fetch: typeof globalThis.fetch
  /** A call that has not answered by then is `timeout`. Streams have no limit. Default 60 s: just above the longest operation. */
  readonly timeoutMs?: number
}

/**
 * Calls operations over HTTP. Problem documents become `Problem`s; no connection is `unavailable`, no answer in time is `timeout`.
 * Streams answer an async iterable of frames; it ends when the connection ends, and resuming (`lastEventId`) is the caller's business.
 */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  return async (call) => {
    const { contract, operation, input } = call
    const base = typeof options.url === 'string' ? options.url : options.url(contract.module)
    const request = {
      method: operation.method,
      headers: { ...(await options.headers(call)), ...headersOf(operation, input) },
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      signal: signalOf(operation, input, options.timeoutMs ?? 60_000),
    }
    const response = await send(options.fetch, base + pathOf(operation, input), request)
    if (!response.ok) throw await problemOf(response)
    if (operation.stream !== undefined) return framesOf(response)
    if (response.status === 204) return undefined
    return response.json()
  }
}

async function send(fetch: typeof globalThis.fetch, url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request)
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      throw commonProblems.timeout.create(`no answer from ${url}`, { cause: error })
    if (request.signal?.aborted === true) throw error
    throw commonProblems.unavailable.create(`no connection to ${new URL(url).origin}`, { cause: error })
  }
}

function headersOf(operation: OperationShape, input: Record<string, unknown>): Record<string, string> {
  return {
    accept: operation.stream === undefined ? 'application/json' : 'text/event-stream',
    ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(input.ifMatch === undefined ? {} : { 'if-match': `"${input.ifMatch}"` }),
    ...(input.idempotencyKey === undefined ? {} : { 'idempotency-key': String(input.idempotencyKey) }),
    ...(input.lastEventId === undefined ? {} : { 'last-event-id': String(input.lastEventId) }),
  }
}

function signalOf(operation: OperationShape, input: Record<string, unknown>, timeoutMs: number): AbortSignal {
  const signals = [
    input.signal as AbortSignal | undefined,
    operation.stream === undefined ? AbortSignal.timeout(timeoutMs) : undefined,
  ]
  return AbortSignal.any(signals.filter((signal) => signal !== undefined))
}

function pathOf(operation: OperationShape, input: Record<string, unknown>): string {
  const params = (input.params ?? {}) as Record<string, unknown>
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) =>
    encodeURIComponent(String(params[name])),
  )
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries((input.query ?? {}) as Record<string, unknown>)) {
    if (Array.isArray(value)) for (const item of value) query.append(name, String(item))
    else if (value !== undefined) query.append(name, value instanceof Date ? value.toISOString() : String(value))
  }
  return query.size === 0 ? path : `${path}?${query}`
}

async function problemOf(response: Response): Promise<Error> {
  const text = await response.text()
  try {
    const document = JSON.parse(text) as ProblemDocument
    if (typeof document.code === 'string') return fromProblemDocument(document)
  } catch (error) {
    if (isProblem(error)) return error
  }
  return commonProblems.unavailable.create(
    `${new URL(response.url).origin} answered ${response.status} without a problem document`,
  )
}

async function* framesOf(response: Response): AsyncGenerator<StreamFrame> {
  const parse = createSseParser()
  const decoder = new TextDecoder()
  if (response.body === null) return
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    for (const message of parse(decoder.decode(chunk, { stream: true }))) {
      yield {
        event: message.event,
        data: JSON.parse(message.data),
        ...(message.id === undefined ? {} : { id: message.id }),
      }
    }
  }
}
