import { hash } from 'node:crypto'
import { type EventEnvelope, NO_CONSTITUTION, newTraceparent, withoutUndefined } from '@soma/kernel'

/** The reply that ends a requester's wait when its request could not be handled (EVT-R38); none for an event that asks for no reply. */
export function failedReply(
  event: EventEnvelope,
  options: { group: string; problem: Readonly<Record<string, unknown>>; now: Date },
): EventEnvelope[] {
  if (event.responsetype === undefined) return []
  const { tenantid, spaceid, userid, sessionid, planid, taskid, goalid, correlationid, partitionkey } = event
  const reply = {
    specversion: '1.0' as const,
    id: replyId(event, options.group),
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

/** Derived from request, group and reply type: who writes it twice writes the same event (EVT-R53). */
const replyId = (event: EventEnvelope, group: string): string =>
  `evt_${hash('sha256', `${event.source}\0${event.id}\0${group}\0${String(event.responsetype)}`, 'hex').slice(0, 32)}`
