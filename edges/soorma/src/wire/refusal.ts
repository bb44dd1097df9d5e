import { commonProblems, type Problem } from '@soma/kernel'

const PROBLEM_OF = {
  400: commonProblems.malformedBody,
  401: commonProblems.unauthenticated,
  403: commonProblems.forbidden,
  404: commonProblems.notFound,
  405: commonProblems.methodNotAllowed,
  409: commonProblems.conflict,
  413: commonProblems.payloadTooLarge,
  422: commonProblems.invalidRequest,
  503: commonProblems.unavailable,
} as const

export type RefusalStatus = keyof typeof PROBLEM_OF

/** A refusal whose `detail` goes out as it is given here: a text, or what the original puts there. */
export function refusal(status: RefusalStatus, detail: string | object): Problem {
  const text = typeof detail === 'string' ? detail : JSON.stringify(detail)
  return PROBLEM_OF[status].create(text, { wireDetail: detail })
}

/** What stands in `detail` for a problem: the edge's own words, else those of the original where it has some for the kind (SOO-R4). */
export function detailOf(problem: Problem): { readonly status: number; readonly detail: unknown } {
  const { status, extensions, message } = problem
  if (extensions.wireDetail !== undefined) return { status, detail: extensions.wireDetail }
  if (status === 403) return { status, detail: 'Trust policy denied' }
  if (status === 402) return { status: 429, detail: message }
  if (status === 500) return { status, detail: 'Internal Server Error' }
  return { status, detail: message }
}
