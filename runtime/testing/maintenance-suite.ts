import { noMetrics, onTopic, silentLogger, type Topic, TOPICS } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resetLeases } from '../src/events/cursors/store.ts'
import { createEventMaintenance } from '../src/events/maintenance.ts'
import type { ConsumerSuiteOptions } from './a-group.ts'
import { type EventSpine, openEventSpine } from './event-spine.ts'
import { queue } from './queue.ts'

const HOUR_MS = 3_600_000
const FAST = { commitEveryMs: 5 }

/** Registers the tests of retention, sweeps, fences and restarts. */
export function maintenanceSuite({ name, open, openBus }: ConsumerSuiteOptions): void {
  describe(`upkeep of the event spine on ${name}`, () => {
    let spine: EventSpine
    beforeAll(async () => {
      spine = await openEventSpine(await open(), { openBus })
    }, 60_000)
    afterAll(() => spine.close())

    const retentionMs = Object.fromEntries(TOPICS.map((topic) => [topic, HOUR_MS])) as Record<Topic, number>
    const run = async (job: string, retentionGraceMs = HOUR_MS) => {
      const { database, bus, emitter } = spine
      const upkeep = { database, bus, emitter, retentionMs, retentionGraceMs, clock: { now: () => new Date() } }
      const jobs = createEventMaintenance({ ...upkeep, log: silentLogger, metrics: noMetrics })
      await jobs.find((each) => each.name === job)?.run(new AbortController().signal)
    }
    /** Makes the past of a topic's segments older by so many hours. */
    const age = (topic: string, hours: number) =>
      spine.database.asOwner((session) =>
        session.execute(
          `update events.segment set opened_at = opened_at - $2 * interval '1 hour', closed_at = closed_at - $2 * interval '1 hour' where topic = $1`,
          [topic, hours],
        ),
      )

    it('what an operator set for a topic holds at the next run, over the configuration', async () => {
      const topic = 'billing-events'
      const [old] = await spine.publish({ topic, key: 'a' })
      await age(topic, 200)
      const readIds = async () => {
        const parts = await spine.bus.partitions(topic)
        const read = await Promise.all(
          parts.map(({ part }) => spine.bus.read({ topic, part, after: { segment: 0, position: 0 }, limit: 100 })),
        )
        return read.flat().map((record) => record.eventId)
      }
      await spine.asBus((session) =>
        session.execute('insert into events.topic_settings (topic, retention_ms) values ($1, $2)', [
          topic,
          1000 * HOUR_MS,
        ]),
      )
      await run('log-retention')
      await age(topic, 200)
      await run('log-retention')
      expect(await readIds()).toEqual([old?.id])
      await spine.asBus((session) =>
        session.execute('update events.topic_settings set retention_ms = $2 where topic = $1', [topic, HOUR_MS]),
      )
      await run('log-retention')
      expect(await readIds()).toEqual([])
    })

    it('EVT-R43 old segments are dropped whole when every group has passed them, after the grace time also before, and the gap is recorded', async () => {
      const topic = 'plan-events'
      const subscription = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'
      await spine.asBus((session) =>
        session.execute(
          `insert into events.cursor (grp, topic, part, tenant_id) select $1, 'plan-events', p, 'tenant-a' from generate_series(0, $2::int4 - 1) p`,
          [`sub:${subscription}`, spine.partitions],
        ),
      )
      const old = await spine.publish({ topic, key: 'a' }, { topic, key: 'a' }, { topic, key: 'a' })
      await age(topic, 2)
      await run('log-retention')
      const [young] = await spine.publish({ topic, key: 'a' })
      const readIds = async () => {
        const parts = await spine.bus.partitions(topic)
        const read = await Promise.all(
          parts.map(({ part }) => spine.bus.read({ topic, part, after: { segment: 0, position: 0 }, limit: 100 })),
        )
        return read.flat().map((record) => record.eventId)
      }
      await age(topic, 1.5)
      await run('log-retention', 10 * HOUR_MS)
      expect(await readIds()).toEqual([...old, young].map((event) => event?.id))
      const gaps = queue<unknown>()
      const end = spine.tail.onAppend('system-events', (records) =>
        records.forEach((record) => gaps.push(JSON.parse(record.envelope))),
      )
      await run('log-retention', 0)
      expect(await readIds()).toEqual([young?.id])
      expect(await gaps.next()).toMatchObject({
        type: 'subscription.gap-recorded',
        tenantid: 'tenant-a',
        data: { topic, fromPosition: 1, toPosition: 3, reason: 'trimmed' },
      })
      end()
    })

    it('EVT-R43 a segment that holds the event of an open delivery is kept whatever its age', async () => {
      const topic = 'task-events'
      const [sent] = await spine.publish({ topic, key: 'a' })
      const [state] = (await spine.bus.partitions(topic)).filter((each) => each.position > 0)
      await spine.asBus((session) =>
        session.execute(
          `insert into events.delivery (grp, topic, part, pos, segment, delivery_id, tenant_id, key, attempt, due_at)
             values ('module:late', $1, $2, $3, $4, gen_random_uuid(), 'tenant-a', 'a', 1, clock_timestamp())`,
          [topic, state?.part, state?.position, state?.segment],
        ),
      )
      await age(topic, 9)
      await run('log-retention', 0)
      await age(topic, 9)
      await run('log-retention', 0)
      const kept = await spine.bus.read({
        topic,
        part: state?.part ?? 0,
        after: { segment: 0, position: 0 },
        limit: 10,
      })
      expect(kept.map((record) => record.eventId)).toEqual([sent?.id])
    })

    it('sweeps inbox rows only when no redelivery can come any more', async () => {
      const insert = (id: string, days: number) =>
        spine.asBus((session) =>
          session.execute(
            `insert into runtime.inbox (tenant_id, grp, event_id, source, handled_at) values ('tenant-a', 'module:sweep', $1, '/s', clock_timestamp() - $2 * interval '1 day')`,
            [id, days],
          ),
        )
      await insert('young', 6.9)
      await insert('old', 7.5)
      await run('inbox-sweep')
      const rows = await spine.asBus((session) =>
        session.query<{ event_id: string }>(`select event_id from runtime.inbox where grp = 'module:sweep'`),
      )
      expect(rows.map((row) => row.event_id)).toEqual(['young'])
    })

    it('row-level security is on and forced on every table of the spine that holds tenants’ rows', async () => {
      const open = await spine.database.asOwner((session) =>
        session.query<{ name: string }>(
          `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
           where n.nspname in ('events', 'runtime') and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
             and exists (select from information_schema.role_table_grants g where g.table_schema = n.nspname and g.table_name = c.relname and g.grantee like 'soma_%' and g.grantee <> 'soma_owner')`,
        ),
      )
      expect(open).toEqual([])
    })

    it('the application role has no right on the tables under the log', async () => {
      const direct = spine.database.transaction({ role: 'soma_app', tenantId: 'tenant-a' }, (session) =>
        session.query('select from events.log_memory_1'),
      )
      await expect(direct).rejects.toThrow(/permission denied/)
    })

    it('after resetLeases a new process owns all partitions at once', async () => {
      const group = 'module:restart'
      const seen = queue<string>()
      const handlers = [onTopic('memory', '*', async ({ event }) => seen.push(event.id))]
      const dead = spine.consumer(handlers, { ...FAST, leaseMs: 600_000 }, group)
      await dead.start()
      await dead.abandon()
      await resetLeases(spine.database)
      const next = spine.consumer(handlers, FAST, group)
      await next.start()
      expect(next.state().partitions).toBe(spine.partitions)
      const [sent] = await spine.publish({ topic: 'memory', key: 'm' })
      expect(await seen.next()).toBe(sent?.id)
      await next.stop()
    })

    it('the tail hands on what another process appended, by notice or by polling', async () => {
      const neighbour = await openEventSpine(spine.database, {}, false)
      const seen = queue<string>()
      const end = neighbour.tail.onAppend('audit', (records) => records.forEach((record) => seen.push(record.eventId)))
      const sent = await spine.publish({ topic: 'audit', key: 'a' }, { topic: 'audit', key: 'a' })
      expect(await seen.take(2)).toEqual(sent.map((event) => event.id))
      end()
      await neighbour.tail.stop()
    })
  })
}
