export { type Backlog, watchBacklog } from './backlog.ts'
export { type Consumer, type ConsumerOptions, type ConsumerState, createConsumer } from './consumer/consumer.ts'
export { replyId } from './consumer/dead-letter-event.ts'
export { eventProblems } from './consumer/failure.ts'
export { announceReplays } from './consumer/replays.ts'
export type { RunInModule } from './consumer/run-handlers.ts'
export { backoffMs, type BackoffSettings, type ConsumerSettings, consumerDefaults } from './consumer/settings.ts'
export { resetLeases } from './cursors/store.ts'
export { createEmitter, type Emitter, type EmitMode, type EmitterOptions } from './emitter.ts'
export { claimInstallation, type Installation, refuseLostEvents } from './installation.ts'
export { createEventMaintenance, type MaintenanceOptions } from './maintenance.ts'
export { createRelay, type Relay, type RelayOptions } from './relay.ts'
export type { LostEvents, SegmentedBus } from './retention.ts'
export { createTail, type Tail, type TailOptions } from './tail.ts'

/** Folder of the spine's SQL files; they run first. */
export const spineMigrations = new URL('../../migrations/', import.meta.url)
