import type { EventEnvelope } from '@soma/kernel'
import { derivedId } from './derived-ids.ts'

/** The source of requests that `plans` sends for its tasks. */
const PLANS = '/modules/plans'

/** The task that a request asks for: one of a plan, or the agent's own, which `plans` learns of when it is saved first. */
export function taskOfRequest(event: EventEnvelope, agentName: string): { taskId: string; isPlanned: boolean } {
  const isPlanned = event.source === PLANS && event.taskid !== undefined
  return { isPlanned, taskId: isPlanned ? (event.taskid as string) : derivedId('task', event.id, agentName, 'task') }
}
