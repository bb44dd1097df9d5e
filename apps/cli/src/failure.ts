import { isProblem, type Problem, toProblemDocument } from '@soma/kernel'

/** Exit codes (docs/spec/cli.md). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  denied: 3,
  notFound: 4,
  conflict: 5,
  approval: 6,
  budget: 7,
  unavailable: 8,
  checkFailed: 9,
  interrupted: 130,
} as const

/** Wrong use that was found before any request: unknown value, missing confirmation, invalid local file. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A check that said no: `doctor`, `status` with something red. The report has been printed already. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed'
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  if (error instanceof CheckFailed) return EXIT.checkFailed
  if (!isProblem(error)) return EXIT.failed
  return codeOfProblem(error)
}

function codeOfProblem({ code, status }: Problem): number {
  if (code === 'approval-required') return EXIT.approval
  if (code === 'budget-exceeded' || code === 'quota-exceeded') return EXIT.budget
  if (code === 'idempotency-key-reused' || status === 409 || status === 412) return EXIT.conflict
  if (status === 401 || status === 403) return EXIT.denied
  if (status === 404) return EXIT.notFound
  if (status === 429 || status === 503 || status === 504) return EXIT.unavailable
  return EXIT.failed
}

/** What went wrong, for people; with `json` the problem document itself. */
export function describeFailure(error: unknown, json: boolean): string {
  if (!isProblem(error)) return error instanceof Error ? error.message : String(error)
  const document = toProblemDocument(error, error.extensions.traceId as string | undefined)
  if (json) return JSON.stringify(document)
  const fields = (document.errors ?? []).map(({ pointer, detail }) => `  ${pointer}: ${detail}`)
  const trace = document.traceId === undefined ? [] : [`trace ${document.traceId}`]
  return [`${document.title}: ${document.detail}`, ...fields, document.remedy, ...trace].join('\n')
}
