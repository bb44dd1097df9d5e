import type { Database, EventEnvelope, Logger, Metrics, Transaction, Context } from '@soma/kernel'
import { newTraceparent } from '@soma/kernel'
import {
  type ComposedModule,
  type Composition,
  type ConsumerSettings,
  contextOfEvent,
  createConsumer,
  inSpan,
} from '@soma/runtime'
import type { EventSpine } from './event-spine.ts'

export interface HandlersOptions {
  readonly composition: Composition
  readonly database: Database
  readonly spine: EventSpine
  readonly region: string
  readonly partitions: number
  readonly settings: Partial<ConsumerSettings>
  readonly log: Logger
  readonly metrics: Metrics
}

/** One consumer group a module with handlers, `module:<name>`. */
export async function startHandlers(options: HandlersOptions): Promise<{ stop(graceMs: number): Promise<void> }> {
  const consumers = options.composition.modules
    .filter((module) => module.handlers.length > 0)
    .map((module) =>
      createConsumer({
        group: `module:${module.name}`,
        handlers: module.handlers,
        database: options.database,
        reader: options.spine.tail,
        emitter: options.spine.emitter,
        runInModule: runInModule(module, options.region),
        partitions: options.partitions,
        settings: options.settings,
        log: options.log.child({ module: module.name }),
        metrics: options.metrics,
      }),
    )
  await Promise.all(consumers.map((consumer) => consumer.start()))
  return {
    stop: async (graceMs) => {
      await Promise.all(consumers.map((consumer) => consumer.stop(graceMs)))
    },
  }
}

function runInModule(module: ComposedModule, region: string) {
  const principal = { name: module.name, jobCapabilities: module.contract.jobCapabilities ?? [] }
  return <T>(event: EventEnvelope, work: (given: { tx: Transaction; context: Context }) => Promise<T>): Promise<T> => {
    const span = {
      traceparent: event.traceparent ?? newTraceparent(),
      kind: 'consumer',
      isLinked: event.replayid !== undefined,
      attributes: { 'soma.module': module.name },
    } as const
    return inSpan(`handle ${event.type}`, span, (traceparent) => {
      const context = contextOfEvent({ ...event, traceparent }, principal, region)
      return module.database.asWorker(context, (tx) => work({ tx, context }))
    })
  }
}
