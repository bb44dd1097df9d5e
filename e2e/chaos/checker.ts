import { ANSWER_TYPE, EVENT_TYPE } from './chaos-module.ts'
import { keyOf, pause, TENANTS } from './load.ts'
import type { ServerProcess } from './process.ts'

type Asked = Pick<ServerProcess, 'ask' | 'heads'>

const LOOK_EVERY_MS = 200
/** No progress for so long is a failure: longer than a lease, a backoff of the relay and a probe of a group together. */
const STUCK_MS = 45_000

export interface Expected {
  /** Numbers 0 … n - 1 of each tenant were accepted. */
  readonly accepted: number
  /** Subscriptions that answered each of them. */
  readonly groups: readonly string[]
}

interface Done {
  readonly tenant_id: string
  readonly grp: string
  readonly number: number
  readonly key: string
}

/**
 * Waits until everything is handled, then looks at all that is left: nothing lost, no effect doubled, order per key, positions without gaps, nothing dead. The outbox was empty when the last was handled; a group that nobody waits for may fill it again.
 * Answers how many events each group handled.
 * @throws Error that names what is wrong
 */
export async function checkAll(server: Asked, expected: Expected): Promise<number> {
  await untilHandled(server, expected)
  await checkLog(server, expected)
  const effects = await server.ask<Done>('select tenant_id, grp, number, key from chaos.effects order by id')
  checkGroup(
    EVENT_TYPE,
    effects.filter(({ grp }) => grp === EVENT_TYPE),
    expected,
  )
  const answers = await answersOf(server)
  for (const group of expected.groups)
    checkGroup(
      group,
      answers.filter(({ grp }) => grp === group),
      expected,
    )
  const [left] = await server.ask<{ dead: number }>('select count(*)::int4 as dead from events.dead_letter')
  if (left?.dead !== 0) throw new Error(`${left?.dead} deliveries are dead`)
  return expected.accepted * TENANTS.length
}

/** In the order of the log, so that the order of handling a key is the order of its answers. */
const answersOf = (server: Asked): Promise<Done[]> =>
  server.ask<Done>(
    `select tenant_id, envelope::jsonb -> 'data' ->> 'group' as grp, (envelope::jsonb -> 'data' ->> 'number')::int4 as number, key
       from events.log where type = '${ANSWER_TYPE}' order by part, segment, pos`,
  )

async function untilHandled(server: Asked, { accepted, groups }: Expected): Promise<void> {
  const wanted = accepted * TENANTS.length * (1 + groups.length)
  const named = groups.map((group) => `'${group}'`).join(', ')
  await untilReached(async () => {
    const [row] = await server.ask<{ effects: number; answers: number; outbox: number; copied: number }>(
      `select (select count(*)::int4 from chaos.effects where grp = '${EVENT_TYPE}') as effects,
         (select count(distinct (tenant_id, envelope::jsonb -> 'data'))::int4 from events.log
           where type = '${ANSWER_TYPE}' and envelope::jsonb -> 'data' ->> 'group' = any (array[${named}]::text[])) as answers,
         (select count(*)::int4 from events.outbox) as outbox, (select sum(head)::int4 from events.partition) as copied`,
    )
    const heads = await headsOf(server)
    const { effects = 0, answers = 0, outbox = 0, copied = 0 } = row ?? {}
    const isReached = effects + answers >= wanted && outbox === 0 && copied === heads
    return { isReached, seen: { wanted, effects, answers, outbox, copied, heads } }
  })
}

/** Of all partitions, or why they cannot be told: a process connects again a moment after its bus has come back. */
const headsOf = (server: Asked): Promise<number | string> =>
  server.heads().then((heads) => heads.reduce((sum, { position }) => sum + position, 0), String)

/** Looks until it is reached. @throws Error when nothing changes any more */
export async function untilReached(look: () => Promise<{ isReached: boolean; seen: unknown }>): Promise<void> {
  let [last, since] = ['', performance.now()]
  for (;;) {
    const { isReached, seen } = await look()
    if (isReached) return
    const now = JSON.stringify(seen)
    if (now !== last) [last, since] = [now, performance.now()]
    if (performance.now() - since > STUCK_MS) throw new Error(`no progress for ${STUCK_MS} ms: ${now}`)
    await pause(LOOK_EVERY_MS)
  }
}

/** Every accepted event is in the log once, and positions have no holes. The copy of a log outside had all of it when the last event was handled; facts may have come since. */
async function checkLog(server: Asked, { accepted }: Expected): Promise<void> {
  const parts = await server.ask<{ topic: string; part: number; count: number; least: number; most: number }>(
    'select topic, part, count(*)::int4 as count, min(pos)::int4 as least, max(pos)::int4 as most from events.log group by topic, part',
  )
  for (const { topic, part, count, least, most } of parts)
    if (least !== 1 || count !== most) throw new Error(`${topic}:${part} has ${count} events from ${least} to ${most}`)
  const events = await server.ask<{ tenant_id: string; event_id: string; times: number }>(
    `select tenant_id, event_id, count(*)::int4 as times from events.log where type = '${EVENT_TYPE}' group by tenant_id, event_id`,
  )
  const repeated = events.filter(({ times }) => times > 1)
  if (repeated.length > 0)
    throw new Error(`${repeated.length} events are in the log twice, such as ${repeated[0]?.event_id}`)
  if (events.length !== accepted * TENANTS.length)
    throw new Error(`${events.length} events are in the log instead of ${accepted * TENANTS.length}`)
}

function checkGroup(name: string, done: readonly Done[], { accepted }: Expected): void {
  for (const tenantId of TENANTS) {
    const own = done.filter(({ tenant_id }) => tenant_id === tenantId)
    const numbers = new Set(own.map(({ number }) => number))
    if (own.length !== numbers.size)
      throw new Error(`${name}, ${tenantId}: ${own.length - numbers.size} effects more than once: ${repeatsOf(own)}`)
    if (numbers.size !== accepted)
      throw new Error(`${name}, ${tenantId}: ${numbers.size} effects instead of ${accepted}`)
    checkOrder(`${name}, ${tenantId}`, own)
  }
}

const repeatsOf = (done: readonly Done[]): string =>
  done
    .filter(({ number }, index) => done.findIndex((each) => each.number === number) !== index)
    .slice(0, 5)
    .map(({ number }) => number)
    .join(', ')

function checkOrder(name: string, done: readonly Done[]): void {
  const last = new Map<string, number>()
  for (const { key, number } of done) {
    if (key !== keyOf(number)) throw new Error(`${name}: ${number} was handled under ${key}`)
    const before = last.get(key) ?? -1
    if (number < before) throw new Error(`${name}: ${number} of ${key} was handled after ${before}`)
    last.set(key, number)
  }
}
