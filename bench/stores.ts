import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { type Database, silentLogger } from '@soma/kernel'
import { type OwnServer, ownServer } from '@soma/runtime/testing'
import pg from 'pg'

/** What figures are taken on: a database, and the bus beside it. */
export interface Store {
  readonly name: 'PGlite' | 'Postgres' | 'NATS' | 'Kafka'
  /** A new one each time. */
  open(): Promise<OpenStore>
}

export interface OpenStore {
  /** Closing it ends the bus too. */
  readonly database: Database
  /** What tells a server where its events live, by full key. */
  readonly settings: Readonly<Record<string, unknown>>
  /** The bus outside the database. */
  readonly bus: OwnServer | undefined
}

/**
 * The embedded engine with fsync on a temporary directory and, where DATABASE_URL is set, Postgres alone and with a NATS or Kafka server of its own beside it.
 * BENCH_STORES names some of them: `NATS,Kafka`.
 */
export function stores(): readonly Store[] {
  const url = process.env.DATABASE_URL
  const embedded: Store = { name: 'PGlite', open: openPglite }
  const all: readonly Store[] =
    url === undefined
      ? [embedded]
      : [
          embedded,
          { name: 'Postgres', open: async () => besideNothing(await openPostgres(url)) },
          { name: 'NATS', open: () => openNats(url) },
          { name: 'Kafka', open: () => openKafka(url) },
        ]
  const wanted = process.env.BENCH_STORES?.split(',')
  return wanted === undefined ? all : all.filter(({ name }) => wanted.includes(name))
}

const besideNothing = (database: Database): OpenStore => ({ database, settings: {}, bus: undefined })

async function openPglite(): Promise<OpenStore> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-bench-'))
  const database = await createPgliteDatabase({ dataDirectory: directory, durability: 'power', log: silentLogger })
  return besideNothing(closingAlso(database, () => rm(directory, { recursive: true, force: true })))
}

async function openNats(databaseUrl: string): Promise<OpenStore> {
  const server = await ownServer('nats')
  const database = closingAlso(await openPostgres(databaseUrl), () => server.end())
  return { database, settings: { 'events.bus': 'nats', 'events.natsUrl': server.url }, bus: server }
}

async function openKafka(databaseUrl: string): Promise<OpenStore> {
  const server = await ownServer('kafka')
  const database = closingAlso(await openPostgres(databaseUrl), () => server.end())
  return { database, settings: { 'events.bus': 'kafka', 'events.kafkaBrokers': server.url }, bus: server }
}

const closingAlso = (database: Database, end: () => Promise<void>): Database => ({
  ...database,
  close: async () => {
    await database.close()
    await end()
  },
})

async function openPostgres(url: string): Promise<Database> {
  const connectionString = await newPostgresDatabase(url)
  return createPostgresDatabase({ connectionString, poolSize: 10, statementTimeoutMs: 30_000, log: silentLogger })
}

/** Its address on the server. It is left behind: the server is thrown away after the run. */
export async function newPostgresDatabase(server: string): Promise<string> {
  const name = `bench_${randomUUID().slice(0, 8)}`
  const administrator = new pg.Client({ connectionString: server })
  await administrator.connect()
  await administrator.query(`create database ${name}`).finally(() => administrator.end())
  return Object.assign(new URL(server), { pathname: `/${name}` }).href
}
