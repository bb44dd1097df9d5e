import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { eventsContract } from '@soma/events/contract'
import { buildClient, type Client, createHttpTransport } from '@soma/kernel'
import { registryContract } from '@soma/registry/contract'
import { testContext } from '@soma/server/testing'
import pg from 'pg'

export const GRACE_MS = 10_000
/** What the one module of the processes handles; its effects are rows of `load0.effects`. */
export const TYPE = 'load.kind-0'
export const ANSWER = 'load.answered'
/** Nobody's context: the transports prove the caller by a header. */
const none = undefined as never

export interface Node {
  readonly url: string
  readonly child: ChildProcess
  /** Sends the signal; resolves with the exit code when it is gone. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** A fresh database, and processes on it. */
export interface Installation {
  start(): Promise<Node>
  query<Row>(sql: string): Promise<Row[]>
  /** Ends what still runs and drops the database. */
  close(): Promise<void>
}

/** `settings` are those of its processes, by full key. */
export async function createInstallation(
  server: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Installation> {
  const name = `soma_nodes_${process.pid}_${Date.now()}`
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  await admin.query(`create database ${name}`)
  const databaseUrl = Object.assign(new URL(server), { pathname: `/${name}` }).href
  const observer = new pg.Client({ connectionString: databaseUrl })
  await observer.connect()
  const nodes = new Set<Node>()
  return {
    start: async () => {
      const node = await startNode(databaseUrl, settings)
      nodes.add(node)
      return node
    },
    query: async (sql) => (await observer.query(sql)).rows,
    close: async () => {
      await Promise.all([...nodes].map((node) => node.end('SIGKILL')))
      await observer.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}

/** Runs a script of this folder; answers it with its lines. */
export function runScript(script: string, environment: Readonly<Record<string, string>>) {
  const path = new URL(script, import.meta.url).pathname
  const child = spawn(process.execPath, ['--conditions=@soma/source', '--import', 'tsx', path], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    }
    return child.exitCode
  }
  return { child, end, lines: createInterface({ input: child.stdout as NodeJS.ReadableStream }) }
}

export async function startNode(databaseUrl: string, settings: Readonly<Record<string, unknown>>): Promise<Node> {
  const { child, end, lines } = runScript('./node-server.ts', {
    NODE_DATABASE_URL: databaseUrl,
    NODE_GRACE_MS: String(GRACE_MS),
    NODE_SETTINGS: JSON.stringify(settings),
  })
  const first = await lines[Symbol.asyncIterator]().next()
  if (first.done === true) throw new Error('the process ended before it was ready')
  return { child, end, url: first.value }
}

/** The caller that all clients of these tests are. */
const caller = {
  'test-context': Buffer.from(JSON.stringify(testContext({ kind: 'agent', principalId: 'agt_worker' }))).toString(
    'base64url',
  ),
}
const transportOf = (url: string) => createHttpTransport({ url, headers: () => caller, fetch })

export type Events = Client<typeof eventsContract>
export const eventsAt = (url: string): Events => buildClient(eventsContract, transportOf(url))

/** Registers the types and makes the subscription of the workers. */
export async function prepare(url: string, subscription: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const registry = buildClient(registryContract, transportOf(url))
  for (const [type, topic] of [
    [TYPE, 'business-facts'],
    [ANSWER, 'action-results'],
  ] as const)
    await registry.events.create(none, {
      body: { topic, type, description: type, schema: { jsonSchema: { type: 'object' } } as never },
    })
  const body = { name: 'workers', topics: ['business-facts'], types: [TYPE], startAt: 'earliest', ...subscription }
  return (await eventsAt(url).subscriptions.create(none, { body: body as never })).id
}

export interface Sent {
  readonly number: number
  readonly key: string
}

/** Publishes in the order given; an answer that was lost with its process is asked for again elsewhere, with the same ids. */
export async function publish(urls: () => readonly string[], events: readonly Sent[]): Promise<void> {
  const body = {
    events: events.map(({ number, key }) => ({
      id: `load-${number}`,
      source: '/load',
      type: TYPE,
      topic: 'business-facts',
      partitionKey: key,
      planId: key,
      data: { number },
    })),
  }
  for (let attempt = 0; ; attempt++) {
    const all = urls()
    try {
      await eventsAt(all[attempt % all.length] as string).events.publishBatch(none, { body })
      return
    } catch (error) {
      if (attempt > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Effects of the module in the order in which they were committed inside a key. */
export const effectsOf = ({ query }: Installation) => query<Sent>('select number, key from load0.effects order by id')

/** Answers that workers published with their acks, in the order of the log inside a key. */
export const answersOf = ({ query }: Installation) =>
  query<Sent>(
    `select (envelope::jsonb -> 'data' ->> 'number')::int4 as number, key from events.log
     where topic = 'action-results' and type = '${ANSWER}' order by part, pos`,
  )

/** Numbers by key, in the order given. */
export function byKey(events: readonly Sent[]): Record<string, number[]> {
  const keys: Record<string, number[]> = {}
  for (const { number, key } of events) (keys[key] ??= []).push(number)
  return keys
}
