import { eventsContract } from '@soma/events/contract'
import { type TestServer, testContext } from '@soma/server/testing'
import type { GroupJournal } from './remote-member.ts'
import {
  attemptsOf,
  concerns,
  isAnswered,
  isPoison,
  type LoadEvent,
  type LoadGroup,
  moduleGroups,
  remoteGroups,
  TENANTS,
} from './workload.ts'

export interface Run {
  readonly server: TestServer
  readonly events: readonly LoadEvent[]
  readonly journals: readonly GroupJournal[]
  readonly subscriptions: ReadonlyMap<string, string>
}

interface Done {
  readonly number: number
  readonly key: string
}

/** Completed handlings and dead letters so far, over all groups. */
export async function progressOf(run: Run): Promise<{ done: number; dead: number; open: number }> {
  const [row] = await asBus<{ effects: number; dead: number; waiting: number }>(
    run,
    'select (select count(*)::int4 from load0.effects) as effects, (select count(*)::int4 from events.dead_letter) as dead, (select count(*)::int4 from events.outbox) as waiting',
  )
  const remote = run.journals.reduce((sum, { done }) => sum + done.length, 0)
  const inFlight = run.journals.reduce((sum, journal) => sum + journal.inFlight, 0)
  // What is committed and not shipped yet, what is on the bus and not copied yet, and what is sent and not answered yet, is neither lost nor done.
  const open = (row?.waiting ?? 0) + (await uncopied(run)) + inFlight
  return { done: (row?.effects ?? 0) + remote, dead: row?.dead ?? 0, open }
}

/** Records of a bus outside the database that its copy in the database, which the checks read, lacks. */
async function uncopied(run: Run): Promise<number> {
  const { bus } = run.server.spine
  if (bus.flags.transactionalWithDatabase) return 0
  const [row] = await asBus<{ copied: number }>(run, 'select sum(head)::int8 as copied from events.partition')
  const heads = await bus.partitions()
  return heads.reduce((sum, { position }) => sum + position, 0) - (row?.copied ?? 0)
}

/** Every group: each of its events once, in order per key, none of another tenant. Answers the replies that were found, each once too. */
export async function checkEffects(run: Run, { isPoisonDone }: { isPoisonDone: boolean }): Promise<number> {
  const rows = await asBus<Done & { grp: string; tenant_id: string }>(
    run,
    'select grp, tenant_id, number, key from load0.effects order by id',
  )
  for (const group of moduleGroups) {
    const done = rows.filter(({ grp }) => grp === group.name)
    const wanted = run.events.filter(
      (event) => concerns(group, event) && (isPoisonDone || !isPoison(group.name, event.number)),
    )
    checkOnce(group, wanted, done)
    // What was replayed comes when its key has gone on.
    const inTime = done.filter(({ number }) => !isPoison(group.name, number))
    checkOrder(
      group,
      inTime.map(({ tenant_id, key, number }) => ({ key: `${tenant_id} ${key}`, number })),
    )
  }
  for (const [index, group] of remoteGroups.entries()) {
    const { done, foreign } = run.journals[index] as Run['journals'][number]
    if (foreign > 0) throw new Error(`${group.name} got ${foreign} events of another tenant`)
    const wanted = run.events.filter(
      (event) => concerns(group, event) && (isPoisonDone || !isPoison(group.name, event.number)),
    )
    checkOnce(group, wanted, done)
    checkOrder(
      group,
      done.filter(({ number }) => !isPoison(group.name, number)),
    )
  }
  return checkAnswers(run, isPoisonDone)
}

function checkOnce(group: LoadGroup, wanted: readonly LoadEvent[], done: readonly Done[]): void {
  const times = new Map<number, number>()
  for (const { number } of done) times.set(number, (times.get(number) ?? 0) + 1)
  const doubled = [...times].filter(([, count]) => count > 1)
  const lost = wanted.filter(({ number }) => !times.has(number))
  if (doubled.length > 0)
    throw new Error(`${group.name}: ${doubled.length} effects more than once, first of ${doubled[0]?.[0]}`)
  if (lost.length > 0) throw new Error(`${group.name}: ${lost.length} effects are missing, first of ${lost[0]?.number}`)
  if (times.size !== wanted.length) throw new Error(`${group.name}: ${times.size} effects instead of ${wanted.length}`)
}

function checkOrder(group: LoadGroup, done: readonly Done[]): void {
  const last = new Map<string, number>()
  for (const { key, number } of done) {
    const before = last.get(key) ?? -1
    if (number < before) throw new Error(`${group.name}: ${number} of ${key} was completed after ${before}`)
    last.set(key, number)
  }
}

/** An answer commits with its ack: as many events as acks that carried one, each once. */
async function checkAnswers(run: Run, isPoisonDone: boolean): Promise<number> {
  const rows = await asBus<{ envelope: string }>(run, "select envelope from events.log where type = 'load.answered'")
  const found = new Set<string>()
  for (const { envelope } of rows) {
    const { data } = JSON.parse(envelope) as { data: { group: string; number: number } }
    const name = `${data.group} ${data.number}`
    if (found.has(name)) throw new Error(`${name} was answered twice`)
    found.add(name)
  }
  const wanted = remoteGroups.flatMap((group) =>
    run.events
      .filter((event) => concerns(group, event) && isAnswered(group.name, event.number))
      .filter((event) => isPoisonDone || !isPoison(group.name, event.number))
      .map(({ number }) => `${group.name} ${number}`),
  )
  const missing = wanted.filter((name) => !found.has(name))
  if (missing.length > 0 || found.size !== wanted.length)
    throw new Error(`${found.size} answers instead of ${wanted.length}; missing: ${missing.slice(0, 3).join(', ')}`)
  return found.size
}

/** Exactly the deliveries that always fail, with the whole envelope and every attempt. */
export async function checkDeadLetters(run: Run): Promise<void> {
  const found = new Map<string, DeadLetter>()
  for (const tenantId of TENANTS)
    for (const letter of await deadLettersOf(run, tenantId)) {
      const name = `${letter.group} ${numberOf(letter)}`
      if (found.has(name)) throw new Error(`${name} is a dead letter twice`)
      found.set(name, letter)
    }
  let wanted = 0
  for (const group of [...moduleGroups, ...remoteGroups]) {
    const wireName = run.subscriptions.get(group.name) ?? group.name
    for (const event of run.events) {
      if (!concerns(group, event) || !isPoison(group.name, event.number)) continue
      wanted += 1
      checkDeadLetter(group, event, found.get(`${wireName} ${event.number}`))
    }
  }
  if (found.size !== wanted) throw new Error(`${found.size} dead letters instead of ${wanted}`)
  const [row] = await asBus<{ differing: number }>(
    run,
    `select count(*)::int4 as differing from events.dead_letter d
      where not exists (select from events.log l where l.tenant_id = d.tenant_id and l.event_id = d.event_id
        and l.envelope::jsonb = d.envelope::jsonb - 'recordedtime' - 'sequence')`,
  )
  if (row?.differing !== 0) throw new Error(`${row?.differing} dead letters have another envelope than the log`)
}

/** Every dead letter was replayed and is at its end, and nothing waits any more. */
export async function checkReplayed(run: Run, dead: number): Promise<void> {
  const [row] = await asBus<{ replayed: number; left: number; waiting: number }>(
    run,
    `select count(*) filter (where state = 'replayed')::int4 as replayed, count(*) filter (where state <> 'replayed')::int4 as left,
       (select count(*)::int4 from events.delivery) as waiting from events.dead_letter`,
  )
  if (row?.replayed !== dead || row.left + row.waiting > 0)
    throw new Error(`${dead} dead letters were to be replayed: ${JSON.stringify(row)}`)
}

interface DeadLetter {
  readonly group: string
  readonly key: string
  readonly type: string
  readonly state: string
  readonly event: unknown
  readonly attempts: readonly { problem: { detail?: unknown } }[]
}

const numberOf = (letter: DeadLetter): number => (letter.event as { data: { number: number } }).data.number

function checkDeadLetter(group: LoadGroup, event: LoadEvent, letter: DeadLetter | undefined): void {
  const name = `${group.name} ${event.number}`
  if (letter === undefined) throw new Error(`${name} always fails and is no dead letter`)
  const { tenantid, partitionkey } = letter.event as { tenantid: string; partitionkey: string }
  const isWhole = tenantid === event.tenantId && partitionkey === event.key && letter.type === event.type
  if (!isWhole || letter.state !== 'open') throw new Error(`${name} has another envelope: ${JSON.stringify(letter)}`)
  const attempts = attemptsOf(group.name, event.number)
  if (letter.attempts.length !== attempts)
    throw new Error(`${name} has ${letter.attempts.length} attempts instead of ${attempts}`)
}

async function deadLettersOf(run: Run, tenantId: string): Promise<DeadLetter[]> {
  const client = run.server.client(eventsContract)
  const letters: DeadLetter[] = []
  let cursor: string | undefined
  do {
    const page = await client.deadLetters.list(testContext({ tenantId }), {
      query: { limit: 100, ...(cursor === undefined ? {} : { cursor }) },
    })
    letters.push(...(page.items as unknown as DeadLetter[]))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return letters
}

const asBus = <Row>(run: Run, sql: string): Promise<Row[]> =>
  run.server.database.transaction({ role: 'soma_bus' }, (session) => session.query<Row>(sql))
