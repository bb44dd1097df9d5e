export { type ConsumerSuiteOptions, consumerSuite } from './consumer-suite.ts'
export { anEnvelope, type EventSpine, openEventSpine, type SpineOptions, type TestEvent } from './event-spine.ts'
export { relaySuite } from './relay-suite.ts'
export { concurrencySuite, groupSuite } from './group-suite.ts'
