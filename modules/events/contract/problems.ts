import { problem } from '@soma/kernel'

export const unknownTopic = problem({
  code: 'unknown-topic',
  status: 422,
  title: 'No such topic',
  remedy: 'Use a topic of GET /v1/events/topics or one of its aliases; the nearest name is in the detail.',
  retryable: false,
})

export const unknownEventType = problem({
  code: 'unknown-event-type',
  status: 422,
  title: 'The event type is not registered',
  remedy: 'Register the event definition first, or correct the type; the nearest names are in the detail.',
  retryable: false,
})

export const schemaMismatch = problem({
  code: 'schema-mismatch',
  status: 422,
  title: 'The data does not fit the schema of the event',
  remedy: 'Correct the fields listed in errors; the schema is named in schemaId.',
  retryable: false,
})

export const eventIdReused = problem({
  code: 'event-id-reused',
  status: 422,
  title: 'The event id was used for other content',
  remedy: 'Send a new id for a new event; repeat an event only unchanged.',
  retryable: false,
})

export const typeReserved = problem({
  code: 'type-reserved',
  status: 403,
  title: 'The platform alone publishes this',
  remedy: 'Choose a type whose first segment is not a noun of the platform, on one of the topics open to tenants.',
  retryable: false,
})

export const positionTrimmed = problem({
  code: 'position-trimmed',
  status: 410,
  title: 'The log no longer reaches back so far',
  remedy: 'Start at the oldest position, named in the answer, or at earliest.',
  retryable: false,
})

/** Stands in the failed reply of a request that nobody handled (EVT-R38). */
export const deliveryDead = problem({
  code: 'delivery-dead',
  status: 422,
  title: 'The event could not be handled',
  remedy: 'Read the dead letter, mend its cause and replay it.',
  retryable: false,
})

/** Stands in the failed reply of a request in a version that no group takes, where others of its type are taken (REG-R7). */
export const noCompatibleConsumer = problem({
  code: 'no-compatible-consumer',
  status: 409,
  title: 'Nobody takes this version of the request',
  remedy: 'Send one of the versions named in the detail, or start an agent that handles the version that was sent.',
  retryable: false,
})

export const noConsumer = problem({
  code: 'no-consumer',
  status: 409,
  title: 'Nobody who could answer is connected',
  remedy: 'Start an agent that handles the type, or send without requireConsumer.',
  retryable: true,
})

export const responseTimeout = problem({
  code: 'response-timeout',
  status: 504,
  title: 'No reply came in time',
  remedy: 'A late reply can still be read: GET /v1/events?correlationId=<correlationId>.',
  retryable: false,
})

export const addressRefused = problem({
  code: 'address-refused',
  status: 422,
  title: 'The server does not call this address',
  remedy:
    'Use an https address that is open to everybody; the reason is in the detail. An operator may allow more: events.pushAllowedRanges.',
  retryable: false,
})

export const handshakeFailed = problem({
  code: 'handshake-failed',
  status: 422,
  title: 'The target did not prove that it wants to be called',
  remedy:
    'Let it answer OPTIONS with a 2xx and WebHook-Allowed-Origin: the origin of the request or *, then try again.',
  retryable: false,
})

/** Why an attempt of a pushed delivery failed; stands in the attempts of dead letters. */
export const pushFailed = problem({
  code: 'push-failed',
  status: 502,
  title: 'The target did not take the delivery',
  remedy: 'Let the target answer 2xx in time; what it answered instead is in the detail.',
  retryable: true,
})
