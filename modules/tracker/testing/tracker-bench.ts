import { type Bench, openBench } from '@soma/governance/testing'
import {
  type AnyModule,
  type Client,
  type Clock,
  type Context,
  type Database,
  type EventEnvelope,
  NO_CONSTITUTION,
  sequenceOf,
  type Transaction,
  withoutUndefined,
} from '@soma/kernel'
import { plansContract } from '@soma/plans/contract'
import { plansModule } from '@soma/plans'
import { trackerContract } from '../contract/index.ts'
import { trackerModule } from '../src/module.ts'
import { type BenchLog, createBenchLog } from './bench-log.ts'

export interface TrackerBench {
  readonly tracker: Client<typeof trackerContract>
  readonly plans: Client<typeof plansContract>
  readonly events: EventEnvelope[]
  readonly database: Database
  /** The events as a log, which rebuilds read. */
  readonly log: BenchLog
  /** Lets the job of rebuilds run until nothing is left to do. */
  rebuild(): Promise<void>
  /** Hands an event to the tracker's handlers, in one worker transaction. */
  deliver(event: EventEnvelope): Promise<void>
  /** Hands every event that was committed since the last call to plans and tracker, in log order, until there are none. */
  settle(): Promise<void>
  /** What is done once an hour: retention, and what was erased. */
  keep(): Promise<void>
  /** Whether verifications are due, which is asked once an hour. */
  scheduleVerifications(): Promise<void>
  /** Fires what is due in plans: timeouts, retries. */
  sweep(): Promise<void>
  /** Every row of every table, without when it was applied: equal text means equal read models. */
  digest(): Promise<string>
  close(): Promise<void>
}

/** The tracker over real facts of plans, on an embedded database in memory, or on one that has the tables already. */
export async function openTrackerBench(
  database?: Database,
  clock?: Clock,
  settings?: Readonly<Record<string, unknown>>,
): Promise<TrackerBench> {
  const log = createBenchLog(() => bench.events)
  let settled = 0
  const oldestWaiting = async (tenantId: string) => {
    const next = bench.events.slice(settled).find((event) => event.tenantid === tenantId)
    return next === undefined ? undefined : new Date(next.time)
  }
  const bench: Bench = await openBench({
    ...withoutUndefined({ database, clock, settings }),
    modules: [
      { definition: plansModule as unknown as AnyModule, ports: {} },
      { definition: trackerModule as unknown as AnyModule, ports: { reader: log, oldestWaiting } },
    ],
  })
  const deliverTo = async (names: readonly string[], event: EventEnvelope) => {
    for (const module of bench.modules.filter(({ name }) => names.includes(name))) {
      const context = contextOf(event, module.name)
      await module.database.asWorker(context, async (tx: Transaction) => {
        for (const handler of module.handlers.filter((candidate) => handles(candidate, event))) {
          await handler.handle({
            event,
            data: event.data,
            context,
            tx,
            signal: new AbortController().signal,
            attempt: 1,
          })
        }
      })
    }
  }
  return {
    tracker: bench.client(trackerContract),
    plans: bench.client(plansContract),
    events: bench.events,
    database: bench.database,
    log,
    rebuild: () => bench.runJob('rebuild'),
    deliver: (event) => deliverTo(['tracker'], event),
    settle: async () => {
      while (settled < bench.events.length) {
        const event = bench.events[settled] as EventEnvelope
        settled += 1
        await deliverTo(['plans', 'tracker'], { ...event, recordedtime: event.time, sequence: sequenceOf(0, settled) })
      }
    },
    sweep: () => bench.runJob('sweep'),
    keep: () => bench.runJob('keep'),
    scheduleVerifications: () => bench.runJob('verify'),
    digest: async () => {
      const tables = await bench.database.transaction(
        { role: 'soma_worker', tenantId: 'tenant-a' },
        async (session) => [
          await session.query('select * from tracker.plans order by id'),
          await session.query('select * from tracker.tasks order by id'),
          await session.query("select to_jsonb(e) - 'applied_at' as e from tracker.timeline e order by event_id"),
        ],
      )
      return JSON.stringify(tables)
    },
    close: () => bench.close(),
  }
}

const handles = (handler: { topic: string; type: string }, event: EventEnvelope): boolean =>
  handler.topic === event.topic &&
  (handler.type === '*' ||
    handler.type === event.type ||
    (handler.type.endsWith('.*') && event.type.startsWith(handler.type.slice(0, -1))))

function contextOf(event: EventEnvelope, module: string): Context {
  return {
    tenantId: event.tenantid,
    spaceId: event.spaceid ?? '',
    principal: { id: `module:${module}`, kind: 'service', roles: [], capabilities: [] },
    ...(event.userid === undefined ? {} : { userId: event.userid }),
    actors: [],
    method: 'module',
    region: 'local',
    constitutionHash: NO_CONSTITUTION,
    traceparent: event.traceparent ?? '',
    cause: { eventId: event.id, correlationId: event.correlationid ?? event.id },
  }
}
