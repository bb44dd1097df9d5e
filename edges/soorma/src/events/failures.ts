import type { EventEnvelope, FailedReply } from '@soma/kernel'
import { documentOr } from '../memory/foreign-ids.ts'

type Data = Readonly<Record<string, unknown>>

const CODE = 'soorma-task-failed'

/** The problem in a result that says that its task failed, as requesters of ours read it. Undefined for what says no such thing. */
export function problemIn(topic: string, data: Data): FailedReply['problem'] | undefined {
  if (topic !== 'action-results' || !(data.status === 'failed' || data.success === false)) return undefined
  return { code: CODE, detail: textOf(data.error) ?? 'the task failed' }
}

const textOf = (error: unknown): string | undefined => {
  if (error === undefined || error === null || error === '') return undefined
  return (typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 2000)
}

/** Whether a reply is a failure in our words alone, which its requester in the dialect does not know. */
export const isOwnFailure = ({ outcome, data }: EventEnvelope): boolean =>
  outcome === 'failed' && problemOf(data) !== undefined && problemOf(data)?.code !== CODE

const problemOf = (data: unknown): FailedReply['problem'] | undefined =>
  documentOr<Partial<FailedReply>>(data, {}).problem

/** A failed reply in the dialect (SOO-R19): what failed by the ids that the request gave it, and why. One that came in the dialect is as it came. */
export function failureOf(event: EventEnvelope, request: Data): Data {
  const { problem, ...said } = documentOr<Data>(event.data, {})
  if (!isOwnFailure(event)) return said
  const { detail, code } = problem as FailedReply['problem']
  return {
    task_id: request.task_id ?? event.taskid ?? event.correlationid ?? null,
    action_id: request.action_id ?? null,
    status: 'failed',
    success: false,
    error: detail || code,
  }
}
