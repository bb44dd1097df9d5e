import { buildClient, type Client, createHttpTransport } from '@soma/kernel'
import { eventsContract } from '@soma/events/contract'
import { registryContract } from '@soma/registry/contract'
import { somaPlatform } from '@soma/server'
import { createTestServer, type TestServer, testContext } from '@soma/server/testing'
import { checkDeadLetters, checkEffects, checkReplayed, progressOf, type Run } from './checks.ts'
import { type Defect, loadModules } from './load-modules.ts'
import { type GroupJournal, joinGroup, type RemoteMember } from './remote-member.ts'
import {
  concerns,
  isPoison,
  type LoadEvent,
  loadEvents,
  moduleGroups,
  remoteGroups,
  TENANTS,
  TYPES,
  typeOf,
} from './workload.ts'

const BATCH = 500
const MEMBERS_A_GROUP = 2
const CREDITS = 100
const LOOK_EVERY_MS = 100
/** Of a publisher on a busy machine; what hangs is found by the next constant. */
const PATIENCE_MS = 300_000
/** No progress for so long is a failure: longer than the longest backoff of any retry. */
const STUCK_MS = 60_000

export interface LoadReport {
  readonly events: number
  /** Events that some group completed, each counted once a group. */
  readonly deliveries: number
  readonly deadLetters: number
  readonly replayed: number
  readonly answers: number
  readonly lostSettlements: number
  readonly seconds: { readonly publish: number; readonly handle: number; readonly replay: number }
}

export interface LoadOptions {
  /** Where the data lives: `server.dataDirectory` or `server.databaseUrl`. Default: memory. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly events: number
  readonly say?: (line: string) => void
}

/**
 * Ten modules and ten subscriptions of remote agents read one log while their handlers fail at random: every effect once, order per key, dead letters exactly those
 * that always fail, replayed after the repair.
 * @throws Error that names what was lost, doubled or out of order
 */
export async function runLoad({
  settings = {},
  events: count,
  say = () => undefined,
}: LoadOptions): Promise<LoadReport> {
  const defect: Defect = { repaired: false }
  const events = loadEvents(count)
  const server = await openServer(settings, defect)
  try {
    await defineTypes(server)
    const subscriptions = await subscribeAll(server)
    const journals = remoteGroups.map(({ name, tenantId }) => emptyJournal(name, tenantId as string))
    const members = await joinAll({ server, subscriptions, journals, defect })
    const run: Run = { server, events, journals, subscriptions }

    const startedAt = performance.now()
    await publishAll(server, events)
    const publishedAt = performance.now()
    say(`${count} events published in ${seconds(startedAt, publishedAt)} s`)
    const expected = expectations(events)
    await until(run, say, ({ done, dead, open }) => open === 0 && done === expected.done && dead === expected.dead)
    const handledAt = performance.now()
    await checkEffects(run, { isPoisonDone: false })
    await checkDeadLetters(run)
    say(`${expected.done} effects and ${expected.dead} dead letters after ${seconds(startedAt, handledAt)} s`)

    defect.repaired = true
    const replayed = await replayAll(run)
    await until(run, say, ({ done, open }) => open === 0 && done === expected.done + replayed)
    const replayedAt = performance.now()
    for (const member of members) await member.stop()
    const answers = await checkEffects(run, { isPoisonDone: true })
    await checkReplayed(run, expected.dead)
    return {
      events: count,
      deliveries: expected.done + expected.dead,
      deadLetters: expected.dead,
      replayed,
      answers,
      lostSettlements: journals.reduce((sum, { lost }) => sum + lost, 0),
      seconds: {
        publish: seconds(startedAt, publishedAt),
        handle: seconds(startedAt, handledAt),
        replay: seconds(handledAt, replayedAt),
      },
    }
  } finally {
    await server.stop()
  }
}

const openServer = (settings: LoadOptions['settings'], defect: Defect): Promise<TestServer> =>
  createTestServer({
    modules: [
      ...somaPlatform.modules.filter(({ contract }) => ['events', 'registry'].includes(contract.module as string)),
      ...loadModules(defect),
    ],
    portsOf: (bindings) => somaPlatform.portsOf(bindings),
    settings: { 'events.quotaEventsPerSecond': 1_000_000, ...settings },
  })

const adminOf = (tenantId: string) => testContext({ tenantId })

async function defineTypes(server: TestServer): Promise<void> {
  const registry = server.client(registryContract)
  const types = [...Array.from({ length: TYPES }, (_, index) => typeOf(index)), 'load.answered']
  for (const tenantId of TENANTS)
    for (const type of types)
      await registry.events.create(adminOf(tenantId), {
        body: {
          topic: type === 'load.answered' ? 'action-results' : 'business-facts',
          type,
          description: type,
          schema: { jsonSchema: SCHEMA } as never,
        },
      })
}

const SCHEMA = { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'] }

/** Subscription ids by group. */
async function subscribeAll(server: TestServer): Promise<Map<string, string>> {
  const client = server.client(eventsContract)
  const ids = new Map<string, string>()
  for (const { name, tenantId, types } of remoteGroups) {
    const created = await client.subscriptions.create(agentOf(name, tenantId as string), {
      body: { name, topics: ['business-facts'], types: [...types], startAt: 'earliest' },
    })
    ids.set(name, created.id)
  }
  return ids
}

const agentOf = (name: string, tenantId: string) => testContext({ tenantId, kind: 'agent', principalId: name })

const emptyJournal = (group: string, tenantId: string): GroupJournal => ({
  group,
  tenantId,
  done: [],
  foreign: 0,
  inFlight: 0,
  lost: 0,
})

async function joinAll(given: {
  server: TestServer
  subscriptions: ReadonlyMap<string, string>
  journals: readonly GroupJournal[]
  defect: Defect
}): Promise<RemoteMember[]> {
  const { server, subscriptions, journals, defect } = given
  const joining = journals.flatMap((journal) =>
    Array.from({ length: MEMBERS_A_GROUP }, () =>
      joinGroup({
        url: server.url,
        headers: server.headersOf(agentOf(journal.group, journal.tenantId)),
        subscriptionId: subscriptions.get(journal.group) as string,
        journal,
        defect,
        credits: CREDITS,
      }),
    ),
  )
  return Promise.all(joining)
}

/** One publisher a tenant, over HTTP: the order in which a tenant's numbers are published is the order of every key. */
async function publishAll(server: TestServer, events: readonly LoadEvent[]): Promise<void> {
  const publishers = TENANTS.map(async (tenantId) => {
    const headers = server.headersOf(adminOf(tenantId))
    const client: Client<typeof eventsContract> = buildClient(
      eventsContract,
      createHttpTransport({ url: server.url, headers: () => headers, fetch, timeoutMs: PATIENCE_MS }),
    )
    const own = events.filter((event) => event.tenantId === tenantId)
    for (let from = 0; from < own.length; from += BATCH) {
      const body = { events: own.slice(from, from + BATCH).map(inputOf) }
      const { results } = await client.events.publishBatch(undefined as never, { body })
      const refused = results.find(({ status }) => status !== 'accepted')
      if (refused !== undefined) throw new Error(`an event was not accepted: ${JSON.stringify(refused)}`)
    }
  })
  await Promise.all(publishers)
}

const inputOf = ({ number, key, type }: LoadEvent) => ({
  topic: 'business-facts',
  type,
  partitionKey: key,
  data: { number, note: 'one of many' },
})

function expectations(events: readonly LoadEvent[]): { done: number; dead: number } {
  let [done, dead] = [0, 0]
  for (const group of [...moduleGroups, ...remoteGroups])
    for (const event of events) {
      if (!concerns(group, event)) continue
      if (isPoison(group.name, event.number)) dead += 1
      else done += 1
    }
  return { done, dead }
}

/** Operators of each tenant replay what died in subscriptions and modules; answers how many. */
async function replayAll({ server, subscriptions }: Run): Promise<number> {
  const client = server.client(eventsContract)
  const acts = [
    ...remoteGroups.map(({ name, tenantId }) => ({
      tenantId: tenantId as string,
      filter: { subscriptionId: subscriptions.get(name) as string },
    })),
    ...TENANTS.flatMap((tenantId) => moduleGroups.map(({ name }) => ({ tenantId, filter: { moduleGroup: name } }))),
  ]
  let replayed = 0
  for (const { tenantId, filter } of acts) {
    const body = { filter, note: 'repaired', max: 1_000 }
    replayed += (await client.deadLetters.replayMany(adminOf(tenantId), { body })).replayed
  }
  return replayed
}

type Progress = Awaited<ReturnType<typeof progressOf>>

async function until(run: Run, say: (line: string) => void, isReached: (progress: Progress) => boolean): Promise<void> {
  let [last, since, saidAt] = ['', performance.now(), performance.now()]
  for (;;) {
    const progress = await progressOf(run)
    if (isReached(progress)) return
    const seen = JSON.stringify(progress)
    const now = performance.now()
    if (seen !== last) [last, since] = [seen, now]
    if (now - since > STUCK_MS) throw new Error(`no progress for ${STUCK_MS} ms: ${seen}`)
    if (now - saidAt > 30_000) {
      say(seen)
      saidAt = now
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

const seconds = (from: number, to: number): number => Math.round((to - from) / 100) / 10
