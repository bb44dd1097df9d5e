import type { Json } from './json.ts'

/** One kind of failure, declared in a contract. */
export interface ProblemDefinition<Code extends string = string> {
  /** Kebab-case, unique over the platform: one code has one status. */
  readonly code: Code
  /** HTTP status 400–599. */
  readonly status: number
  readonly title: string
  /** What the caller can do about it, one sentence. */
  readonly remedy: string
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  /** Makes the error. `extensions` are further members of the problem document (`gateId`, `version` …). */
  create(detail: string, extensions?: ProblemExtensions): Problem
}

export interface FieldError {
  /** JSON Pointer into the input, starting with the part: `/body/title`, `/query/limit`. */
  readonly pointer: string
  readonly code: string
  readonly detail: string
}

export interface ProblemExtensions {
  readonly errors?: readonly FieldError[]
  readonly cause?: unknown
  /** Sent as `Retry-After`, rounded up to seconds. */
  readonly retryAfterMs?: number
  readonly [member: string]: unknown
}

/** An RFC 9457 problem document (`application/problem+json`). */
export interface ProblemDocument {
  readonly type: string
  readonly code: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly remedy: string
  readonly retryable: boolean
  readonly traceId?: string
  readonly instance?: string
  readonly errors?: readonly FieldError[]
  readonly [member: string]: unknown
}

const BRAND = Symbol.for('soma.problem')

/** The one error class of the platform. Branded, so that it is recognised across two copies of this package. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly [BRAND] = true
  readonly code: string
  readonly status: number
  readonly title: string
  readonly remedy: string
  readonly retryable: boolean
  readonly extensions: ProblemExtensions

  constructor(definition: Omit<ProblemDefinition, 'create'>, detail: string, extensions: ProblemExtensions = {}) {
    super(detail, extensions.cause === undefined ? undefined : { cause: extensions.cause })
    this.code = definition.code
    this.status = definition.status
    this.title = definition.title
    this.remedy = definition.remedy
    this.retryable = definition.retryable
    this.extensions = extensions
  }
}

export const isProblem = (error: unknown): error is Problem =>
  typeof error === 'object' && error !== null && BRAND in error

/** Declares a problem. */
export function problem<const Code extends string>(
  definition: Omit<ProblemDefinition<Code>, 'create'>,
): ProblemDefinition<Code> {
  return { ...definition, create: (detail, extensions) => new Problem(definition, detail, extensions) }
}

/** The document that leaves the server. The cause never does. */
export function toProblemDocument(error: Problem, traceId?: string): ProblemDocument {
  const { cause: _cause, retryAfterMs: _retryAfterMs, ...members } = error.extensions
  return {
    ...members,
    type: `/problems/${error.code}`,
    code: error.code,
    title: error.title,
    status: error.status,
    detail: error.message,
    remedy: error.remedy,
    retryable: error.retryable,
    ...(traceId === undefined ? {} : { traceId }),
  }
}

/** A problem that came from a server. */
export function fromProblemDocument(document: ProblemDocument): Problem {
  const { type: _type, code, title, status, detail, remedy, retryable, ...members } = document
  return new Problem({ code, title, status, remedy, retryable }, detail, members)
}

/** The part of a problem that is stored in results, attempts and dead letters. */
export function problemSummary(error: unknown): {
  code: string
  detail: string
  status: number
  retryable: boolean
  errors?: Json
} {
  if (!isProblem(error))
    return {
      code: 'internal',
      detail: error instanceof Error ? error.message : String(error),
      status: 500,
      retryable: true,
    }
  const { errors } = error.extensions
  return {
    code: error.code,
    detail: error.message,
    status: error.status,
    retryable: error.retryable,
    ...(errors === undefined ? {} : { errors: errors as unknown as Json }),
  }
}
