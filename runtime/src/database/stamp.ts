import {
  type Context,
  type EventAttributes,
  type EventDefinition,
  type EventEnvelope,
  newId,
  UNKNOWN_SCHEMA_URI,
  schemaUri,
  withoutUndefined,
} from '@soma/kernel'

/** CloudEvents auth extension types of our principal kinds (https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/authcontext.md). */
const AUTH_TYPES = {
  user: 'user',
  agent: 'service_account',
  service: 'service_account',
  guest: 'unauthenticated',
} as const

/** An event of a contract as an envelope without the server's attributes. @throws ZodError when the data does not fit the schema: a bug of the module. */
export function eventOf(
  definition: EventDefinition,
  data: unknown,
  attributes: EventAttributes,
): Partial<EventEnvelope> & Pick<EventEnvelope, 'type' | 'topic'> {
  const {
    id,
    subject,
    sessionId,
    planId,
    taskId,
    goalId,
    correlationId,
    causationId,
    responseType,
    responseTopic,
    responseSchema,
    outcome,
    partitionKey,
    expiryTime,
    deliverAt,
  } = attributes
  return withoutUndefined({
    type: definition.type,
    topic: definition.topic,
    dataschema: schemaUri(definition.type, definition.version),
    data: definition.data.parse(data),
    id,
    subject,
    sessionid: sessionId,
    planid: planId,
    taskid: taskId,
    goalid: goalId,
    correlationid: correlationId,
    causationid: causationId,
    responsetype: responseType,
    responsetopic: responseTopic,
    responseschema: responseSchema,
    outcome,
    partitionkey: partitionKey,
    expirytime: expiryTime,
    deliverat: deliverAt,
  }) as Partial<EventEnvelope> & Pick<EventEnvelope, 'type' | 'topic'>
}

/** Fills defaults and stamps what only the server may say: tenant, space, user, author, constitution, region. */
export function stampEnvelope(
  envelope: Partial<EventEnvelope> & Pick<EventEnvelope, 'type' | 'topic'>,
  by: { context: Context; source: string; now: Date },
): EventEnvelope {
  const { context } = by
  const cause = context.cause
  const id = envelope.id ?? newId('evt')
  return withoutUndefined({
    ...envelope,
    specversion: '1.0' as const,
    id,
    source: envelope.source ?? by.source,
    type: envelope.type,
    topic: envelope.topic,
    time: envelope.time ?? by.now.toISOString(),
    datacontenttype: envelope.datacontenttype ?? 'application/json',
    dataschema: envelope.dataschema ?? UNKNOWN_SCHEMA_URI,
    tenantid: context.tenantId,
    spaceid: context.spaceId === '' ? undefined : context.spaceId,
    userid: context.userId,
    authtype: AUTH_TYPES[context.principal.kind],
    authid: context.principal.id,
    constitutionhash: context.constitutionHash,
    region: context.region,
    sessionid: envelope.sessionid ?? cause?.sessionId,
    correlationid: envelope.correlationid ?? cause?.correlationId ?? id,
    causationid: envelope.causationid ?? cause?.eventId,
    traceparent: envelope.traceparent ?? context.traceparent,
  }) as EventEnvelope
}
