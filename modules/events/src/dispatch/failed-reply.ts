import { type EventEnvelope, NO_CONSTITUTION, newTraceparent, withoutUndefined } from '@soma/kernel'
import { replyIdOf } from '../publishing/reply-id.ts'

/** The reply that ends a requester's wait when its request could not be handled (EVT-R38); none for an event that asks for no reply. */
export function failedReply(
  event: EventEnvelope,
  options: { group: string; problem: Readonly<Record<string, unknown>>; now: Date },
): EventEnvelope[] {
  if (event.responsetype === undefined) return []
  const { tenantid, spaceid, userid, sessionid, planid, taskid, goalid, correlationid, partitionkey } = event
  const reply = {
    specversion: '1.0' as const,
    id: replyIdOf(event, options.group),
    source: '/modules/events',
    type: event.responsetype,
    topic: event.responsetopic ?? ('action-results' as const),
    time: options.now.toISOString(),
    datacontenttype: 'application/json',
    dataschema: '/problems/failed-reply',
    tenantid,
    spaceid,
    userid,
    authtype: 'service_account',
    authid: 'module:events',
    constitutionhash: event.constitutionhash ?? NO_CONSTITUTION,
    region: event.region,
    sessionid,
    planid,
    taskid,
    goalid,
    correlationid: correlationid ?? event.id,
    causationid: event.id,
    traceparent: event.traceparent ?? newTraceparent(),
    partitionkey,
    outcome: 'failed' as const,
    data: { problem: options.problem },
  }
  return [withoutUndefined(reply) as unknown as EventEnvelope]
}
