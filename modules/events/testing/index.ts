export { daySuite } from './day-suite.ts'
export { letTimePass } from './let-time-pass.ts'
export { moduleDeadLetterSuite } from './module-dead-letter-suite.ts'
export {
  anEventsContext,
  createEventsHost,
  type EventsHost,
  type EventsHostOptions,
  migrateEvents,
} from './events-host.ts'
export { openRetention } from './retention.ts'
export { aPushTarget, type PushTarget, type Received } from './push-target.ts'
export { aMember, type ReceivedDelivery, type TestMember } from './test-member.ts'
