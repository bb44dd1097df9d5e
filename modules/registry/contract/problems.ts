import { problem } from '@soma/kernel'

export const registryProblems = {
  nameOwned: problem({
    code: 'name-owned',
    status: 409,
    title: 'The name belongs to another principal',
    remedy: 'Choose another name, or ask the owner named in the detail to transfer it.',
    retryable: false,
  }),
  schemaExists: problem({
    code: 'schema-exists',
    status: 409,
    title: 'This version exists with other content',
    remedy: 'Give the changed content a higher version; a registered version never changes.',
    retryable: false,
  }),
  schemaInvalid: problem({
    code: 'schema-invalid',
    status: 422,
    title: 'The schema or an example does not hold',
    remedy:
      'Correct the places listed in errors: schemas are JSON Schema 2020-12, and a $ref begins with # or names a registered schema, <name>@<version>.',
    retryable: false,
  }),
  schemaIncompatible: problem({
    code: 'schema-incompatible',
    status: 422,
    title: 'The version is too low for what changed',
    remedy:
      'Give it the version that each entry of reports needs, or take back the changes listed there; `soma schemas check` tells it before.',
    retryable: false,
  }),
  unknownTopic: problem({
    code: 'unknown-topic',
    status: 422,
    title: 'No such topic',
    remedy: 'Use a topic of GET /v1/events/topics or one of its aliases; the nearest name is in the detail.',
    retryable: false,
  }),
  typeReserved: problem({
    code: 'type-reserved',
    status: 403,
    title: 'The platform alone publishes this',
    remedy: 'Choose a type whose first segment is not a noun of the platform, on one of the topics open to tenants.',
    retryable: false,
  }),
} as const
