import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'

export interface RetryOptions {
  readonly fetch: typeof globalThis.fetch
  /** How often a failed request is repeated, 0–10. */
  readonly retries: number
  /** Sent with every POST instead of a new random key. */
  readonly idempotencyKey?: string | undefined
  /** Told about each repetition. */
  readonly note: (text: string) => void
  /** First pause where the server names none; it doubles each time. Default 250 ms. */
  readonly firstPauseMs?: number
}

/** A server that asks for a longer pause is not waited for: the transport gives a call 60 s in all. */
const LONGEST_PAUSE_MS = 30_000

/**
 * A fetch that gives every POST an `Idempotency-Key` and repeats what failed for a while: cut connections, and 429 and 5xx answers that call themselves retryable.
 * The key stays the same, so a request whose answer was lost does its work once. A first connection that is refused is not repeated: there is no server.
 */
export function createRetryingFetch(options: RetryOptions): typeof globalThis.fetch {
  return async (url, given = {}) => {
    const request = given.method === 'POST' ? withKey(given, options.idempotencyKey) : given
    for (let attempt = 0; ; attempt++) {
      const outcome = await send(options.fetch, url, request)
      const pauseMs = attempt < options.retries ? await pauseAfter(outcome, attempt, options) : undefined
      if (pauseMs === undefined || request.signal?.aborted === true) return answerOf(outcome)
      options.note(`${reasonOf(outcome)}; trying again (${attempt + 1} of ${options.retries})`)
      await setTimeout(pauseMs, undefined, request.signal ? { signal: request.signal } : {})
    }
  }
}

type Outcome = { readonly response: Response } | { readonly error: unknown }

async function send(fetch: typeof globalThis.fetch, url: string | URL | Request, request: RequestInit) {
  try {
    return { response: await fetch(url, request) }
  } catch (error) {
    return { error }
  }
}

function answerOf(outcome: Outcome): Response {
  if ('error' in outcome) throw outcome.error
  return outcome.response
}

function withKey(request: RequestInit, key: string | undefined): RequestInit {
  const headers = new Headers(request.headers)
  if (!headers.has('idempotency-key')) headers.set('idempotency-key', key ?? randomUUID())
  return { ...request, headers }
}

async function pauseAfter(outcome: Outcome, attempt: number, options: RetryOptions): Promise<number | undefined> {
  const ownMs = (options.firstPauseMs ?? 250) * 2 ** attempt
  if ('error' in outcome) return isCut(outcome.error, attempt) ? ownMs : undefined
  const { response } = outcome
  if (response.status !== 429 && response.status < 500) return undefined
  if (!(await saysRetryable(response))) return undefined
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const pauseMs = Number.isFinite(seconds) ? seconds * 1000 : ownMs
  return pauseMs > LONGEST_PAUSE_MS ? undefined : pauseMs
}

/** An error without a code, such as a forbidden port, stays as it is. */
function isCut(error: unknown, attempt: number): boolean {
  const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code
  return code !== undefined && !(code === 'ECONNREFUSED' && attempt === 0)
}

/** Anything but a problem document, such as a proxy's page, counts as retryable. */
async function saysRetryable(response: Response): Promise<boolean> {
  const text = await response.clone().text()
  try {
    return (JSON.parse(text) as { retryable?: boolean }).retryable !== false
  } catch (error) {
    return error instanceof SyntaxError
  }
}

function reasonOf(outcome: Outcome): string {
  return 'error' in outcome ? 'the connection broke' : `the server answered ${outcome.response.status}`
}
