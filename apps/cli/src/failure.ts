import { isProblem, kebab, type Problem, toProblemDocument } from '@soma/kernel'

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

/** A question was answered with Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage
  if (error instanceof Interrupted) return EXIT.interrupted
  if (error instanceof Error && error.name === 'ConfigurationError') return EXIT.usage
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
  if (isNoConnection(error)) return `${error.message}; \`soma serve\` starts a server, --url or SOMA_URL names another`
  const fields = (document.errors ?? []).map(({ pointer, detail }) => `  ${nameOf(pointer)}: ${detail}`)
  const gate = typeof document.gateId === 'string' ? [`gate ${document.gateId}`] : []
  const trace = document.traceId === undefined ? [] : [`trace ${document.traceId}`]
  return [`${document.title}: ${document.detail}`, ...fields, ...gate, document.remedy, ...trace].join('\n')
}

/** Only the transport of this process gives `unavailable` a cause: what comes from a server has none. */
const isNoConnection = (error: Problem): boolean => error.code === 'unavailable' && error.extensions.cause !== undefined

/** Fields whose flag has another name. */
const FLAGS: Readonly<Record<string, string>> = {
  q: 'search',
  partitionKey: 'key',
  expiresAt: 'expires-in-days',
  topics: 'topic',
  types: 'type',
  edits: 'edit',
}

/** `/query/limit` came from `--limit`, `/body/scopes/0` from `--scopes`; what is deeper stays: `--data/amount`. */
function nameOf(pointer: string): string {
  const [, part, field, ...deeper] = pointer.split('/')
  if (field === undefined || part === 'params') return pointer
  const flag = FLAGS[field] ?? kebab(field.replace(/Id$/, ''))
  const inside = deeper.every((step) => /^\d+$/.test(step)) ? [] : deeper
  return [`--${flag}`, ...inside].join('/')
}
