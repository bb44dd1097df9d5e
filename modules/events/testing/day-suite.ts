import type { Database } from '@soma/kernel'
import { until } from '@soma/runtime/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anEventsContext, createEventsHost, type EventsHost } from './events-host.ts'
import { letTimePass } from './let-time-pass.ts'
import { openRetention } from './retention.ts'
import { aMember, type ReceivedDelivery, type TestMember } from './test-member.ts'

const HOUR_MS = 3_600_000
const HOURS = 24
const RETENTION_HOURS = 6
const GRACE_HOURS = 4
/** Of each tenant. */
const EVENTS_AN_HOUR = 60
const KEYS = 20
const POISON_EVERY_HOURS = 6
const DELAY_HOURS = 3
/** A tardy reader comes once in so many hours: within retention and grace. */
const TARDY_HOURS = 4
/** The last hour of a reader that stays away for longer than those, and the one in which it is back. */
const AWAY = { from: 2, to: 20 }

const topic = 'business-facts'
const tenants = { a: anEventsContext('tenant-a'), b: anEventsContext('tenant-b') }

interface Step {
  readonly hour: number
  readonly n: number
}
const nameOf = ({ hour, n }: Step) => `${hour}-${n}`
const stepOf = ({ event }: ReceivedDelivery) => event.data as Step
const isPoison = ({ hour, n }: Step) => n === 0 && hour % POISON_EVERY_HOURS === 0

/** A member that acknowledges what comes, as many at once as have come meanwhile. Poison it gives up. */
function aReader(member: TestMember) {
  const steps: Step[] = []
  const gaps: { from: string; to: string }[] = []
  const waiting: ReceivedDelivery[] = []
  let isSettling = false
  const settle = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, 200)
      const entries = batch.map((delivery) => ({ ...delivery, isPoison: isPoison(stepOf(delivery)) }))
      const entryOf = ({ deliveryId, attempt }: ReceivedDelivery) => ({ deliveryId, attempt })
      await member.settle({
        acks: entries.filter((each) => !each.isPoison).map(entryOf),
        nacks: entries.filter((each) => each.isPoison).map((each) => ({ ...entryOf(each), dead: true })),
      })
    }
    isSettling = false
  }
  const ended = (async () => {
    for (let frame = await member.next(); frame !== undefined; frame = await member.next()) {
      if (frame.event === 'gap') gaps.push(frame.data as { from: string; to: string })
      if (frame.event !== 'delivery') continue
      const delivery = frame.data as ReceivedDelivery
      steps.push(stepOf(delivery))
      waiting.push(delivery)
      if (isSettling) continue
      isSettling = true
      void settle()
    }
  })()
  return {
    steps,
    gaps,
    leave: async () => {
      await until(() => !isSettling)
      await member.leave()
      await ended
    },
  }
}
type Reader = ReturnType<typeof aReader>

/** Registers the test of a day of traffic, whose hours pass in the database. */
export function daySuite({ name, open }: { name: string; open: () => Promise<Database | undefined> }): void {
  describe(`a day of two tenants on ${name}, with retention each hour`, () => {
    let host: EventsHost
    let retention: Awaited<ReturnType<typeof openRetention>>
    beforeAll(async () => {
      const database = await open()
      host = await createEventsHost(database === undefined ? {} : { database })
      for (const context of Object.values(tenants)) await host.define(context, 'step.done')
      retention = await openRetention(host, { retentionMs: RETENTION_HOURS * HOUR_MS })
    }, 60_000)
    afterAll(async () => {
      await retention.close()
      await host.close()
    })

    const subscribe = async (context: typeof tenants.a, as: string) =>
      (
        await host.events.subscriptions.create(context, {
          body: { name: as, topics: [topic], types: ['step.done'] },
        })
      ).id
    const connect = async (context: typeof tenants.a, subscriptionId: string) =>
      aReader(await aMember(host, context, subscriptionId, { credits: KEYS }))
    const publishHour = async (context: typeof tenants.a, hour: number) => {
      const deliverAt = new Date(Date.now() + DELAY_HOURS * HOUR_MS).toISOString()
      const events = Array.from({ length: EVENTS_AN_HOUR }, (_, n) => ({
        ...{ type: 'step.done', topic, partitionKey: `key-${n % KEYS}`, data: { hour, n } },
        // The last of each hour is for later.
        ...(n === EVENTS_AN_HOUR - 1 ? { deliverAt, partitionKey: 'later' } : {}),
      }))
      await host.events.events.publishBatch(context, { body: { events } as never })
    }
    const isAtEnd = async (context: typeof tenants.a, subscriptionId: string) => {
      const { items } = await host.events.lag.list(context, { query: { subscriptionId } })
      return items.every(({ lag, inFlight, retrying, parked }) => lag + inFlight + retrying + parked === 0)
    }
    const logSize = () =>
      host.database.transaction({ role: 'soma_bus' }, async (session) => {
        const [row] = await session.query<{ events: number; hours: number }>(
          `select count(*)::int4 as events, coalesce(extract(epoch from clock_timestamp() - min(recorded_at)) / 3600, 0)::float8 as hours
             from events.log where topic = $1`,
          [topic],
        )
        return row as { events: number; hours: number }
      })

    it('loses nothing that a reader may still want, does nothing twice, keeps the log small, and says what the one that stayed away has lost', async () => {
      const live = { a: await subscribe(tenants.a, 'live'), b: await subscribe(tenants.b, 'live') }
      const readers = { a: await connect(tenants.a, live.a), b: await connect(tenants.b, live.b) }
      const tardy = await subscribe(tenants.a, 'tardy')
      const sleepy = await subscribe(tenants.a, 'sleepy')
      const tardySteps: Step[] = []
      const sleepySeen: Pick<Reader, 'steps' | 'gaps'> = { steps: [], gaps: [] }
      const catchUp = async (subscriptionId: string, steps: Step[], gaps: Reader['gaps'] = []) => {
        const reader = await connect(tenants.a, subscriptionId)
        await until(() => isAtEnd(tenants.a, subscriptionId))
        await reader.leave()
        steps.push(...reader.steps)
        gaps.push(...reader.gaps)
      }
      const wanted = Array.from({ length: HOURS }, (_, hour) =>
        Array.from({ length: EVENTS_AN_HOUR }, (_unused, n) => ({ hour, n })),
      )
        .flat()
        .filter(({ hour, n }) => n < EVENTS_AN_HOUR - 1 || hour + DELAY_HOURS < HOURS)
      const cameBy = (total: number) => until(() => readers.a.steps.length >= total && readers.b.steps.length >= total)
      const sizes: { events: number; hours: number }[] = []
      for (let hour = 0; hour < HOURS; hour++) {
        if (hour > 0) {
          await letTimePass(host.database, HOUR_MS)
          await retention.run(GRACE_HOURS * HOUR_MS)
          sizes.push(await logSize())
        }
        for (const context of Object.values(tenants)) await publishHour(context, hour)
        // Those that came due a moment ago may still be on their way.
        await cameBy((hour + 1) * (EVENTS_AN_HOUR - 1) + Math.max(0, hour - DELAY_HOURS))
        if (hour % TARDY_HOURS === 0) await catchUp(tardy, tardySteps)
        if (hour <= AWAY.from || hour >= AWAY.to) await catchUp(sleepy, sleepySeen.steps, sleepySeen.gaps)
        await until(() => isAtEnd(tenants.a, live.a))
        await until(() => isAtEnd(tenants.b, live.b))
      }

      await cameBy(wanted.length)
      await catchUp(tardy, tardySteps)
      await catchUp(sleepy, sleepySeen.steps, sleepySeen.gaps)

      const sorted = (steps: readonly Step[]) => steps.map(nameOf).toSorted()
      for (const steps of [readers.a.steps, readers.b.steps, tardySteps]) {
        expect(sorted(steps)).toEqual(sorted(wanted))
        for (let key = 0; key < KEYS; key++) {
          const ofKey = steps.filter(({ n }) => n % KEYS === key && n < EVENTS_AN_HOUR - 1)
          expect(ofKey).toEqual(ofKey.toSorted((left, right) => left.hour - right.hour || left.n - right.n))
        }
      }

      // What it did not get lies in the gaps that it was told of, and nothing else does.
      const lost = sorted(wanted).filter((step) => !new Set(sorted(sleepySeen.steps)).has(step))
      expect(lost.length).toBeGreaterThan(0)
      expect(new Set(sorted(sleepySeen.steps)).size).toBe(sleepySeen.steps.length)
      const inGaps = host.recorded.flatMap(({ tenantId, type, part, position, envelope }) => {
        const sequence = `${part}-${String(position).padStart(16, '0')}`
        const isLost = sleepySeen.gaps.some(({ from, to }) => from <= sequence && sequence <= to)
        return isLost && tenantId === 'tenant-a' && type === 'step.done' ? [JSON.parse(envelope).data as Step] : []
      })
      expect(sorted(inGaps)).toEqual(lost)

      // A segment is open for an hour at least, and goes whole.
      const newer = RETENTION_HOURS + GRACE_HOURS + 2
      expect(Math.max(...sizes.map(({ hours }) => hours))).toBeLessThan(newer)
      expect(Math.max(...sizes.map(({ events }) => events))).toBeLessThanOrEqual(newer * 2 * EVENTS_AN_HOUR)

      for (const reader of Object.values(readers)) await reader.leave()
      await expectLetters(live.b)
    }, 120_000)

    /** Of every poisoned hour, also where its segment has gone: whole, and handled when it is replayed. */
    async function expectLetters(subscriptionId: string): Promise<void> {
      const { items } = await host.events.deadLetters.list(tenants.b, { query: {} })
      expect(
        items.map(({ event }) => (event as unknown as { data: Step }).data.hour).toSorted((l, r) => l - r),
      ).toEqual([0, 6, 12, 18])
      const oldest = items.find(({ event }) => (event as unknown as { data: Step }).data.hour === 0)
      const { deliveryId } = oldest as { deliveryId: string }
      const member = await aMember(host, tenants.b, subscriptionId)
      await host.events.deadLetters.replay(tenants.b, { params: { deliveryId }, body: { note: 'now it works' } })
      const again = await member.delivery()
      expect(stepOf(again)).toEqual({ hour: 0, n: 0 })
      await member.ack(again)
      await member.leave()
    }
  })
}
