import {
  type DataInputOf,
  type EventDefinition,
  type EventEnvelope,
  NO_CONSTITUTION,
  newId,
  newTraceparent,
  schemaUri,
} from '@soma/kernel'

/** What a fact of this module outside a module transaction is about: whose tenant, on which occasion. */
export interface FactAbout {
  readonly tenantId: string
  readonly spaceId?: string
  readonly userId?: string
  readonly region?: string
  readonly constitutionHash?: string
  readonly traceparent?: string
}

/** A full envelope of one of this module's facts, for the write path that spans tenants. @throws ZodError when the data does not fit: a bug. */
export function factEnvelope<E extends EventDefinition>(
  definition: E,
  data: DataInputOf<E>,
  options: { about: FactAbout; now: Date; key: string; cause?: EventEnvelope },
): EventEnvelope {
  const { about, cause } = options
  const id = newId('evt')
  return {
    specversion: '1.0',
    id,
    source: '/modules/events',
    type: definition.type,
    topic: definition.topic,
    time: options.now.toISOString(),
    datacontenttype: 'application/json',
    dataschema: schemaUri(definition.type, definition.version),
    tenantid: about.tenantId,
    ...(about.spaceId === undefined || about.spaceId === '' ? {} : { spaceid: about.spaceId }),
    ...(about.userId === undefined ? {} : { userid: about.userId }),
    authtype: 'service_account',
    authid: 'module:events',
    constitutionhash: about.constitutionHash ?? NO_CONSTITUTION,
    region: about.region ?? cause?.region ?? 'local',
    correlationid: cause?.correlationid ?? id,
    ...(cause === undefined || cause.id === '' ? {} : { causationid: cause.id }),
    traceparent: about.traceparent ?? cause?.traceparent ?? newTraceparent(),
    partitionkey: options.key,
    data: definition.data.parse(data),
  }
}
