export { daySuite } from './day-suite.ts'
export { erasureSuite } from './erasure-suite.ts'
export { aJobGroup, askJob } from './jobs.ts'
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
export { aTail, type TailFrame, type TestTail } from './test-tail.ts'
export { aMember, type ReceivedDelivery, type TestMember } from './test-member.ts'
