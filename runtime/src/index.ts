export { type ComposedModule, type ComposeOptions, type Composition, compose, type HostedModule } from './compose.ts'
export { readMigrations } from './database/migrations.ts'
export {
  contextOfEvent,
  createModuleDatabase,
  type ModuleDatabaseOptions,
  moduleContext,
  scopeOf,
  type TransactionEmitter,
} from './database/module-database.ts'
export { stampEnvelope } from './database/stamp.ts'
export { assertOutsideTransaction, guardTransaction } from './database/transaction-guard.ts'
export * from './call/bind.ts'
export { authorize, createExecute, type Execute, isDeclared } from './call/execute.ts'
export { createInProcessTransport, withGrants } from './call/in-process.ts'
export * from './config/configuration.ts'
export { nearest } from './config/nearest.ts'
export { createIdempotencyStore, type IdempotencyStore } from './http/idempotency.ts'
export { toOpenApi } from './http/openapi.ts'
export { closeHttpServer } from './http/close-server.ts'
export { drainFrame } from './http/event-stream.ts'
export { listenFront, mountFront } from './http/front.ts'
export { problemsOf } from './http/platform-routes.ts'
export type { RequestCredentials } from './http/read-request.ts'
export { createHttpServer } from './http/server.ts'
export type { ReadyReport } from './http/server-options.ts'
export * from './events/event-spine.ts'
export { createJobs } from './jobs.ts'
export { createLogger } from './observe/log.ts'
export { createOutgoing, type Outgoing, type OutgoingAnswer, type OutgoingRequest } from './outgoing/outgoing.ts'
export { oldestWaiting } from './events/oldest-waiting.ts'
export { createTextSeal, type TextSeal } from './events/sealing/text-seal.ts'
export { inSpan, type SpanOptions } from './observe/trace.ts'
