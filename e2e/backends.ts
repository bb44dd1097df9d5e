import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OwnServer, ownServer } from '@soma/runtime/testing'
import pg from 'pg'

/** Where events live: two databases, and two buses beside Postgres. */
export const BACKENDS = ['pglite', 'postgres', 'nats', 'kafka'] as const
export type BackendName = (typeof BACKENDS)[number]

/** An empty installation's place, thrown away at its end. */
export interface Backend {
  readonly name: BackendName
  /** What a server needs to live there, by full key. */
  readonly settings: Readonly<Record<string, unknown>>
  /** The bus outside the database, which a scenario may stop and start. */
  readonly bus: OwnServer | undefined
  end(): Promise<void>
}

/** `pglite,kafka` → names; nothing is all. @throws Error naming what is not a backend */
export function backendsNamed(text: string | undefined): readonly BackendName[] {
  if (text === undefined) return BACKENDS
  return text.split(',').map((name) => {
    const found = BACKENDS.find((backend) => backend === name)
    if (found === undefined) throw new Error(`there is no bus "${name}": they are ${BACKENDS.join(', ')}`)
    return found
  })
}

/**
 * A new directory, or a new database of the Postgres at `databaseUrl` and, with `nats` and `kafka`, a new server of that bus.
 * @throws Error when `databaseUrl` is needed and missing, or a server does not come up
 */
export async function openBackend(name: BackendName, databaseUrl: string | undefined): Promise<Backend> {
  if (name === 'pglite') return openDirectory()
  if (databaseUrl === undefined) throw new Error(`${name} needs DATABASE_URL: run it by tools/servers/with-postgres.sh`)
  const database = await createDatabase(databaseUrl)
  const bus = name === 'postgres' ? undefined : await openBus(name)
  // Processes of one installation have one key, which seals what is on a bus.
  const directory = await mkdtemp(join(tmpdir(), 'soma-e2e-'))
  return {
    name,
    settings: { 'server.databaseUrl': database.url, 'server.dataDirectory': directory, ...bus?.settings },
    bus: bus?.server,
    end: async () => {
      await bus?.server.end()
      await database.drop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function openDirectory(): Promise<Backend> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-e2e-'))
  return {
    name: 'pglite',
    settings: { 'server.dataDirectory': directory, 'events.durability': 'power' },
    bus: undefined,
    end: () => rm(directory, { recursive: true, force: true }),
  }
}

async function openBus(name: 'nats' | 'kafka') {
  const server = await ownServer(name)
  const address = name === 'nats' ? { 'events.natsUrl': server.url } : { 'events.kafkaBrokers': server.url }
  return { server, settings: { 'events.bus': name, 'events.durability': 'process', ...address } }
}

async function createDatabase(server: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `soma_e2e_${randomUUID().slice(0, 8)}`
  const run = async (sql: string) => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(sql).finally(() => client.end())
  }
  await run(`create database ${name}`)
  return {
    url: Object.assign(new URL(server), { pathname: `/${name}` }).href,
    drop: () => run(`drop database ${name} with (force)`),
  }
}
