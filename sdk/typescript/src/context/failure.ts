import { isProblem, type Problem, problemSummary } from '@soma/kernel'
import { storable } from './storable.ts'

/** What a task or plan fails with: a `Problem`, or its parts. */
export type FailureInput = Problem | ProblemValue

export interface ProblemValue {
  readonly code: string
  readonly detail: string
  readonly status?: number | undefined
  readonly retryable?: boolean | undefined
}

/** The data of a failed reply. */
export const failedData = (failure: FailureInput): { problem: ProblemValue } => ({
  problem: storable(problemOf(failure)),
})

function problemOf(failure: FailureInput): ProblemValue {
  if (isProblem(failure)) return problemSummary(failure) as ProblemValue
  const { code, detail, status, retryable } = failure
  return {
    code,
    detail,
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof retryable === 'boolean' ? { retryable } : {}),
  }
}

/** The problem inside the data of a failed reply, whoever wrote it. */
export function toProblemValue(data: unknown): ProblemValue {
  const problem = typeof data === 'object' && data !== null && 'problem' in data ? data.problem : undefined
  if (typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem) {
    return problemOf(problem as { code: string; detail: string })
  }
  return { code: 'failed', detail: 'the agent failed and named no problem' }
}
