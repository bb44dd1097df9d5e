import type { Problem } from './problem.ts'

/** A request in a foreign dialect, as it came. */
export interface FrontRequest {
  readonly method: string
  /** Percent-encoded, without the query; begins with the front's prefix. */
  readonly path: string
  /** What stands behind `?`; empty without one. */
  readonly query: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
  readonly remoteAddress: string
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal
}

export interface FrontAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Of a stream the next part is asked for when the operating system has taken the one before: a client that does not read is not read for. */
  readonly body: string | AsyncIterable<string>
}

/** A further port on which a front is served as if its prefix were the root. */
export interface FrontListener {
  readonly host: string
  readonly port: number
  /** What is put before each path that comes in here: `/soorma/registry`. */
  readonly prefix: string
  /** Named when the port can't be had. */
  readonly setting: string
}

/** How an edge is reached over HTTP: it reads and answers its own dialect, bodies and errors included. */
export interface Front {
  /** Every path under it is the front's. */
  readonly prefix: `/${string}`
  readonly listeners: readonly FrontListener[]
  /** Answers everything; a failure is an answer too. */
  answer(request: FrontRequest): Promise<FrontAnswer>
  /** What the server itself refuses (a body too large, a process that drains), in the front's words. */
  refuse(problem: Problem): FrontAnswer
}
