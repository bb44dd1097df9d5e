export { type DatabaseUnderTest, databaseConformance } from './database-conformance.ts'
export { type EventBusUnderTest, eventBusConformance } from './event-bus-conformance.ts'
export { type EventBusSubject, type OutsideEvent, type OutsidePlace } from './event-bus-subject.ts'
export { createMemoryLog, type MemoryLog } from './memory-log.ts'
