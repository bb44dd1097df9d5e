import { commonProblems, isProblem, type Problem, problem } from '@soma/kernel'

/** Failures of a dependency, not of the event: they suspend a group instead of filling its dead letters. */
const DEPENDENCY_CODES = new Set(['unavailable', 'timeout', 'rate-limited'])

/** SQLSTATE classes of a database that is away or refuses work for now: connection, resources, operator, and a few of the driver's own. */
const AWAY = /^(08|53|57P)|^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/

export const eventProblems = {
  schemaMismatch: problem({
    code: 'schema-mismatch',
    status: 422,
    title: 'The data does not fit the schema of the event',
    remedy: 'Correct the writer outside the platform, or replay the dead letter with data that fits.',
    retryable: false,
  }),
  expired: problem({
    code: 'expired',
    status: 410,
    title: 'The event expired before it was handled',
    remedy: 'Ask again with a later expirytime.',
    retryable: false,
  }),
  positionTrimmed: problem({
    code: 'position-trimmed',
    status: 410,
    title: 'The log no longer holds this place',
    remedy: 'Read from the oldest position that is left.',
    retryable: false,
  }),
} as const

const LOST = Symbol('partition lost')

/** Thrown inside a handler's transaction when the partition belongs to another node: it rolls back and nothing is recorded. */
export const partitionLost = (detail: string): Error => Object.assign(new Error(detail), { [LOST]: true })

export const isPartitionLost = (error: unknown): boolean => typeof error === 'object' && error !== null && LOST in error

/** What went wrong, as a problem. An error of a database that is away is `unavailable`. */
export function problemOf(error: unknown): Problem {
  if (isProblem(error)) return error
  const code = (error as { code?: unknown } | null)?.code
  const detail = error instanceof Error ? error.message : String(error)
  if (typeof code === 'string' && AWAY.test(code)) return commonProblems.unavailable.create(detail, { cause: error })
  return commonProblems.internal.create(detail, { cause: error })
}

export const isDependencyFailure = (failure: Problem): boolean => DEPENDENCY_CODES.has(failure.code)
