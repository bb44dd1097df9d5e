import type { Operation } from '@soma/kernel'
import type { Input } from './sample.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; undefined when it is no JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer of any shape, read member by member
  readonly json: any
}

/** The path with its query for an input. */
export function urlOf(operation: Operation, input: Input): string {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => encode(textOf(input.params?.[name])))
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(input.query ?? {}))
    for (const item of Array.isArray(value) ? value : [value]) query.append(name, textOf(item))
  return query.size === 0 ? path : `${path}?${query}`
}

const textOf = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

/** Half a surrogate pair has no UTF-8; it leaves as the bytes that careless software writes for it. */
const encode = (text: string): string =>
  text
    .split(/(\p{Surrogate})/u)
    .map((part, index) => (index % 2 === 1 ? '%ED%A0%80' : encodeURIComponent(part)))
    .join('')

/** Sends a request; of a stream the first bytes alone. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const leave = new AbortController()
  const response = await fetch(url, { ...init, signal: init.signal ?? leave.signal })
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  const text = isStream ? '' : await response.text()
  if (isStream) leave.abort()
  return { status: response.status, headers: response.headers, text, json: parse(text) }
}

export function requestOf(operation: Operation, input: Input, headers: Record<string, string> = {}): RequestInit {
  return {
    method: operation.method,
    headers: {
      ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(operation.ifMatch === true ? { 'if-match': '"1"' } : {}),
      ...headers,
    },
    ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
  }
}

export const call = (
  url: string,
  operation: Operation,
  { input, headers }: { input: Input; headers?: Record<string, string> },
): Promise<Answer> => send(url + urlOf(operation, input), requestOf(operation, input, headers))

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
