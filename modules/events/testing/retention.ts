import { createPostgresLog } from '@soma/adapter-postgres-log'
import { noMetrics, silentLogger, type Topic, TOPICS } from '@soma/kernel'
import { createEmitter, createEventMaintenance, createTail } from '@soma/runtime'
import type { EventsHost } from './events-host.ts'

const HOUR_MS = 3_600_000

/** The upkeep of a process beside the host. `expire` makes what a topic has older by ten hours each time, then runs retention. */
export async function openRetention(
  host: Pick<EventsHost, 'database'>,
  { retentionMs = HOUR_MS, partitions = 4 }: { retentionMs?: number; partitions?: number } = {},
) {
  const { database } = host
  const bus = createPostgresLog({ database, partitions })
  const emitter = createEmitter({ bus, database, mode: 'inline', partitions })
  const tail = createTail({ database, bus, emitter, log: silentLogger })
  await tail.start()
  const run = async (retentionGraceMs: number) => {
    const jobs = createEventMaintenance({
      database,
      bus,
      emitter,
      retentionMs: Object.fromEntries(TOPICS.map((topic) => [topic, retentionMs])) as Record<Topic, number>,
      retentionGraceMs,
      clock: { now: () => new Date() },
      log: silentLogger,
      metrics: noMetrics,
    })
    for (const name of ['log-retention', 'inbox-sweep'])
      await jobs.find((job) => job.name === name)?.run(new AbortController().signal)
  }
  const age = (topic: Topic) =>
    database.asOwner((session) =>
      session.execute(
        `update events.segment set opened_at = opened_at - interval '10 hours', closed_at = closed_at - interval '10 hours' where topic = $1`,
        [topic],
      ),
    )
  return {
    /** Once, as an hourly job. @param graceMs how long groups that are behind are waited for */
    run,
    /** @param graceMs how long groups that are behind are waited for */
    expire: async (topic: Topic, graceMs = 0) => {
      // A segment is closed first, and is old only later.
      for (let round = 0; round < 2; round++) {
        await age(topic)
        await run(graceMs)
      }
    },
    close: () => tail.stop(),
  }
}
