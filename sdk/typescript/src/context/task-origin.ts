/** A task as the request for it told it. */
export interface TaskOrigin {
  readonly taskId: string
  readonly type: string
  readonly data: unknown
  readonly planId?: string | undefined
  readonly sessionId?: string | undefined
  readonly goalId?: string | undefined
  readonly parentTaskId?: string | undefined
  readonly correlationId: string
  readonly causationId?: string | undefined
  readonly responseType?: string | undefined
  readonly responseTopic?: string | undefined
  readonly deadlineAt?: string | undefined
  readonly priority?: number | undefined
}
