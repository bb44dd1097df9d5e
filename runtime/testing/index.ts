export type { ConsumerSuiteOptions } from './a-group.ts'
export { deferred, queue, until } from './queue.ts'
export {
  anEnvelope,
  effectsMigration,
  type EventSpine,
  openEventSpine,
  type SpineOptions,
  type TestEvent,
} from './event-spine.ts'
export { allowBurials, refuseBurials, refusedBurialsMigration } from './refused-burials.ts'
export { type OwnServer, ownServer } from './own-server.ts'
export { type FreshPostgres, freshPostgres } from './fresh-postgres.ts'
export { maintenanceSuite } from './maintenance-suite.ts'
export { noticeSuite } from './notice-suite.ts'
export { spineSuites } from './spine-suites.ts'
