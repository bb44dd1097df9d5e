import { type EventEnvelope, onTopic, partitionOf } from '@soma/kernel'
import { anEnvelope, freshPostgres, openEventSpine, until } from '@soma/runtime/testing'
import { afterAll, expect, it } from 'vitest'
import { aPrefix, openBus } from '../testing/kafka-servers.ts'
import { anOutsideProgram } from '../testing/outside-program.ts'

const server = process.env['DATABASE_URL']
const brokers = process.env['KAFKA_BROKERS']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')
if (brokers === undefined) throw new Error('KAFKA_BROKERS is missing: run npm run test:servers')

const PARTITIONS = 4
const TENANT = 'tenant-a'
const postgres = freshPostgres(server)
afterAll(() => postgres.drop())

/** What a careless program writes: no event at all, or one without what every event must have. */
const breakages: ((good: EventEnvelope) => string)[] = [
  () => 'no event',
  () => '{"half":',
  () => '"text"',
  () => '',
  (good) => JSON.stringify({ ...good, traceparent: undefined }),
  (good) => JSON.stringify({ ...good, dataschema: undefined }),
  (good) => JSON.stringify({ ...good, source: undefined }),
  (good) => JSON.stringify({ ...good, id: '' }),
]

it('of 100 broken and 100 good events of a program outside Soma, all good ones are handled in order per key and all others are dead letters', async () => {
  const prefix = aPrefix()
  const spine = await openEventSpine(await postgres.open(), {
    openBus: (partitions) => openBus(brokers, { prefix, partitions }),
    partitions: PARTITIONS,
  })
  const handled: EventEnvelope[] = []
  const group = 'module:outside'
  const consumer = spine.consumer(
    [onTopic('business-facts', '*', async ({ event }) => void handled.push(event))],
    {},
    group,
  )
  await consumer.start()

  const outside = await anOutsideProgram(brokers)
  const good = Array.from({ length: 100 }, (_, n) => anEnvelope({ tenantId: TENANT, key: `key-${n % 7}` }))
  const records = good.flatMap((event, n) => {
    const place = {
      topic: `${prefix}.business-facts`,
      partition: partitionOf(TENANT, event.partitionkey ?? '', PARTITIONS),
      key: `${TENANT}/${event.partitionkey}`,
    }
    const broken = (breakages[n % breakages.length] as (typeof breakages)[number])(event)
    // The tenant is known by the header, so that somebody can look at the letter.
    const headers = { ce_tenantid: TENANT, ce_type: 'thing.done', 'content-type': 'application/cloudevents+json' }
    const structured = { 'content-type': 'application/cloudevents+json' }
    return [
      { ...place, value: broken, headers },
      { ...place, value: JSON.stringify(event), headers: structured },
    ]
  })
  await outside.writeAll(records)

  const letters = () =>
    spine.asBus((session) =>
      session.query<{ problem: { code: string } }>('select problem from events.dead_letter where grp = $1', [group]),
    )
  await until(async () => handled.length === 100 && (await letters()).length === 100)
  expect(new Set((await letters()).map(({ problem }) => problem.code))).toEqual(new Set(['envelope-invalid']))
  for (const key of new Set(good.map(({ partitionkey }) => partitionkey))) {
    const idsOf = (events: readonly EventEnvelope[]) =>
      events.filter(({ partitionkey }) => partitionkey === key).map(({ id }) => id)
    expect(idsOf(handled)).toEqual(idsOf(good))
  }
  await consumer.stop()
  await outside.close()
  await spine.close()
}, 120_000)
