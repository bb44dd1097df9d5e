import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { type Database, silentLogger } from '@soma/kernel'
import pg from 'pg'

/** A kind of database that figures are taken on; every `open` makes a new one. */
export interface Store {
  readonly name: 'PGlite' | 'Postgres'
  open(): Promise<Database>
}

/** The embedded engine with fsync on a temporary directory and, where DATABASE_URL is set, Postgres. */
export function stores(): readonly Store[] {
  const url = process.env.DATABASE_URL
  const embedded: Store = { name: 'PGlite', open: openPglite }
  return url === undefined ? [embedded] : [embedded, { name: 'Postgres', open: () => openPostgres(url) }]
}

async function openPglite(): Promise<Database> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-bench-'))
  const database = await createPgliteDatabase({ dataDirectory: directory, durability: 'power', log: silentLogger })
  return {
    ...database,
    close: async () => {
      await database.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The database is left behind: the server is thrown away after the run. */
async function openPostgres(url: string): Promise<Database> {
  const name = `bench_${randomUUID().slice(0, 8)}`
  const administrator = new pg.Client({ connectionString: url })
  await administrator.connect()
  await administrator.query(`create database ${name}`).finally(() => administrator.end())
  const connectionString = Object.assign(new URL(url), { pathname: `/${name}` }).href
  return createPostgresDatabase({ connectionString, poolSize: 10, statementTimeoutMs: 30_000, log: silentLogger })
}
