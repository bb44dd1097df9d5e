import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { eventsContract } from '@soma/events/contract'
import { openRetention } from '@soma/events/testing'
import { buildClient, newUuid, onTopic, silentLogger } from '@soma/kernel'
import { environmentName } from '@soma/runtime'
import { type OwnServer, ownServer, until } from '@soma/runtime/testing'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { testContext } from '@soma/server/testing'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Backend, openBackend } from '../backends.ts'
import { aWitness } from './witness.ts'

const KEYS = 20
/** A move is killed so long after it began, then later and later until it gets through. */
const FIRST_KILL_MS = 1_000
const GROWTH = 1.2
/** Of 2 s each: longer than a lease and its grace. */
const IDLE_PULLS = 15

type Bus = 'postgres' | 'nats' | 'kafka'
const agent = testContext({ principalId: 'agt_worker', kind: 'agent' })

let backend: Backend
const buses: Partial<Record<'nats' | 'kafka', OwnServer>> = {}
/** By number of the event: how often the module handled it. */
const handled = new Map<number, number>()

beforeAll(async () => {
  backend = await openBackend('postgres', process.env['DATABASE_URL'])
  for (const bus of ['nats', 'kafka'] as const) buses[bus] = await ownServer(bus)
}, 120_000)
afterAll(async () => {
  for (const bus of Object.values(buses)) await bus.end()
  await backend.end()
}, 60_000)

const witness = aWitness([
  onTopic('business-facts', 'job.asked', async ({ event }) => {
    const { n } = event.data as { n: number }
    handled.set(n, (handled.get(n) ?? 0) + 1)
  }),
])

const settingsOf = (): Record<string, unknown> => ({
  mode: 'developer-light',
  'events.partitions': 4,
  'events.durability': 'process',
  'events.validation': 'warn',
  'events.natsUrl': buses.nats?.url,
  'events.kafkaBrokers': buses.kafka?.url,
  ...backend.settings,
})

async function start(bus: Bus): Promise<{ server: RunningServer; events: ReturnType<typeof clientOf> }> {
  const server = await startServer({
    platform: { ...somaPlatform, modules: [...somaPlatform.modules, witness] },
    sources: { flags: { ...settingsOf(), 'server.port': 0, 'events.bus': bus } },
    log: silentLogger,
  })
  return { server, events: clientOf(server) }
}
const clientOf = (server: RunningServer) => buildClient(eventsContract, server.transport)
type Events = ReturnType<typeof clientOf>

/** `soma events migrate` in a process of its own. */
function migrate(from: Bus, to: Bus): { child: ChildProcess; ended: Promise<{ code: number | null; text: string }> } {
  const environment = Object.entries(settingsOf()).map(([key, value]) => [environmentName(key), String(value)])
  const child = spawn(
    process.execPath,
    [
      '--conditions=@soma/source',
      '--import',
      'tsx',
      'apps/cli/src/main.ts',
      'events',
      'migrate',
      '--from',
      from,
      '--to',
      to,
    ],
    { env: { ...process.env, ...Object.fromEntries(environment) }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let text = ''
  child.stdout?.on('data', (chunk) => (text += chunk))
  child.stderr?.on('data', (chunk) => (text += chunk))
  return { child, ended: once(child, 'exit').then(([code]) => ({ code: code as number | null, text })) }
}

/** What is in the log is older than its topic keeps: numbers on the next bus are not those of the log before. */
async function forgetAll(): Promise<void> {
  const connectionString = backend.settings['server.databaseUrl'] as string
  const database = await createPostgresDatabase({
    connectionString,
    poolSize: 4,
    log: silentLogger,
    statementTimeoutMs: 30_000,
  })
  const retention = await openRetention({ database })
  await retention.expire('business-facts')
  await retention.close()
  await database.close()
}

/** 1 while a move has begun and not ended. */
async function isMoving(): Promise<number> {
  const client = new pg.Client({ connectionString: backend.settings['server.databaseUrl'] as string })
  await client.connect()
  const { rows } = await client.query('select 1 from events.move')
  await client.end()
  return rows.length
}

/** Kills the move with -9 later and later, until one gets through; answers how many were killed on their way. */
async function migrateThroughKills(from: Bus, to: Bus): Promise<number> {
  for (let killed = 0, afterMs = FIRST_KILL_MS; ; afterMs *= GROWTH) {
    const { child, ended } = migrate(from, to)
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
    const { code, text } = await ended
    clearTimeout(timer)
    if (code === 0) return killed
    if (code === null) killed += await isMoving()
    // What was killed held a lease of 9 s.
    else if (/is held/.test(text)) await new Promise((resolve) => setTimeout(resolve, 1_000))
    else throw new Error(text)
  }
}

const ask = (events: Events, from: number, count: number) =>
  events.events.publishBatch(testContext(), {
    body: {
      events: Array.from({ length: count }, (_, index) => ({
        id: `job-${from + index}`,
        topic: 'business-facts',
        type: 'job.asked',
        partitionKey: `key-${(from + index) % KEYS}`,
        data: { n: from + index },
      })),
    },
    query: { atomic: 'true' },
  })

/** Events that nobody handles. */
const note = (events: Events, count: number) =>
  events.events.publishBatch(testContext(), {
    body: {
      events: Array.from({ length: count }, (_, n) => ({
        topic: 'business-facts',
        type: 'note.written',
        partitionKey: `key-${n % KEYS}`,
        data: {},
      })),
    },
  })

/** Takes and acknowledges so many deliveries of the group; one of each thirty fails first and holds back its key. */
async function work(events: Events, subscriptionId: string, count: number, done: number[]): Promise<void> {
  const params = { subscriptionId }
  const memberId = newUuid()
  for (let left = count, idle = 0; left > 0; ) {
    const { deliveries } = await events.deliveries.pull(agent, {
      params,
      body: { memberId, max: Math.min(left, 50), waitMs: 2_000 },
    })
    idle = deliveries.length === 0 ? idle + 1 : 0
    if (idle > IDLE_PULLS) throw new Error(`${left} of ${count} deliveries do not come`)
    const numbered = deliveries.map(({ deliveryId, attempt, event }) => ({
      deliveryId,
      attempt,
      n: (event.data as { n: number }).n,
    }))
    const failing = numbered.filter(({ n, attempt }) => n % 30 === 5 && attempt === 1)
    const good = numbered.filter((each) => !failing.includes(each))
    const { settled } = await events.deliveries.settle(agent, {
      params,
      body: {
        memberId,
        acks: good.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, emits: [] })),
        nacks: failing.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, retryAfterMs: 300 })),
      },
    })
    done.push(...good.filter(({ deliveryId }) => settled.includes(deliveryId)).map(({ n }) => n))
    left -= good.length
  }
}

async function buryOne(events: Events, subscriptionId: string): Promise<void> {
  const params = { subscriptionId }
  const memberId = newUuid()
  const { deliveries } = await events.deliveries.pull(agent, { params, body: { memberId, max: 1, waitMs: 5_000 } })
  const nacks = deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, dead: true }))
  await events.deliveries.settle(agent, { params, body: { memberId, nacks } })
}

it('EVT-R63 an installation that is stopped half-way moves from Postgres to NATS to Kafka and back, through kill -9, and delivers the rest once and in order', async () => {
  const done: number[] = []
  let asked = 0
  let killed = 0
  let at: Bus = 'postgres'
  let { server, events } = await start(at)
  await note(events, 200)
  await server.stop()
  await forgetAll()
  ;({ server, events } = await start(at))
  const { id: subscriptionId } = await events.subscriptions.create(agent, {
    body: { name: 'workers', topics: ['business-facts'], types: ['job.*'], leaseMs: 5_000, startAt: 'earliest' },
  })
  const { id: dying } = await events.subscriptions.create(agent, {
    body: { name: 'dying', topics: ['business-facts'], types: ['job.*'], maxAttempts: 1 },
  })
  const list = async () =>
    (await events.events.list(agent, { query: { type: 'job.asked', limit: 200 } } as never)).items.map(
      ({ id, sequence, recordedtime }) => ({ id, sequence, recordedtime }),
    )
  for (const to of ['nats', 'kafka', 'postgres'] as const) {
    for (let batch = 0; batch < 2; batch++, asked += 300) await ask(events, asked, 300)
    await buryOne(events, dying)
    await work(events, subscriptionId, asked - done.length - 200, done)
    const letters = await events.deadLetters.list(agent, { query: {} })
    const before = await list()
    await expect(migrate(at, to).ended).resolves.toMatchObject({
      code: 1,
      text: expect.stringContaining('is held') as string,
    })
    await server.stop()

    killed += await migrateThroughKills(at, to)
    await expect(start(at)).rejects.toThrow(`soma events migrate --from ${to} --to ${at}`)
    at = to
    ;({ server, events } = await start(at))
    expect(await events.deadLetters.list(agent, { query: {} })).toEqual(letters)
    expect(await list()).toEqual(before)
  }
  await ask(events, asked, 100)
  asked += 100
  await work(events, subscriptionId, asked - done.length, done)
  await until(() => handled.size === asked)
  await server.stop()

  expect(killed).toBeGreaterThan(0)
  expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: asked }, (_, n) => n))
  for (let key = 0; key < KEYS; key++) {
    const ofKey = done.filter((n) => n % KEYS === key)
    expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b))
  }
  expect([...handled.values()].filter((times) => times !== 1)).toEqual([])
}, 600_000)
