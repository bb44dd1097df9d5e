export { type DatabaseUnderTest, databaseConformance } from './database-conformance.ts'
export {
  type EventBusSubject,
  type EventBusUnderTest,
  eventBusConformance,
  type OutsideEvent,
  type OutsidePlace,
} from './event-bus-conformance.ts'
export { createMemoryLog, type MemoryLog } from './memory-log.ts'
