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
  const traced = <T>(event: EventEnvelope, work: (context: Context) => Promise<T>): Promise<T> => {
    const span = {
      traceparent: event.traceparent ?? newTraceparent(),
      kind: 'consumer',
      isLinked: event.replayid !== undefined,
      attributes: { 'soma.module': module.name },
    } as const
    return inSpan(`handle ${event.type}`, span, (traceparent) =>
      work(contextOfEvent({ ...event, traceparent }, principal, region)),
    )
  }
  /** Each event has a span of its own, a child of its producer's; those of one transaction lie in one another. */
  return <T>(
    events: readonly EventEnvelope[],
    work: (given: readonly { tx: Transaction; context: Context }[]) => Promise<T>,
  ): Promise<T> => {
    const handle = ([event, ...later]: readonly EventEnvelope[], contexts: readonly Context[]): Promise<T> =>
      event === undefined
        ? module.database.asWorkerTogether(contexts, (txs) =>
            work(txs.map((tx, index) => ({ tx, context: contexts[index] as Context }))),
          )
        : traced(event, (context) => handle(later, [...contexts, context]))
    return handle(events, [])
  }
}
