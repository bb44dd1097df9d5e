import { createPostgresDatabase } from '@soma/adapter-postgres'
import { type Database, newUuid, silentLogger } from '@soma/kernel'
import pg from 'pg'
import { type BenchOptions, migrate } from './bench.ts'

/** A database of its own on a real Postgres, with the tables of some modules. */
export interface PostgresForTests {
  /** As another process would open it. */
  connect(): Promise<Database>
  drop(): Promise<void>
}

/** `serverUrl` = the test's DATABASE_URL. */
export async function openPostgres(serverUrl: string, modules: BenchOptions['modules']): Promise<PostgresForTests> {
  const name = `soma_test_${newUuid().slice(-12)}`
  const connectionString = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href
  const connect = () =>
    createPostgresDatabase({ connectionString, poolSize: 8, statementTimeoutMs: 10_000, log: silentLogger })
  await onServer(serverUrl, `create database ${name}`)
  const database = await connect()
  await migrate(database, modules)
  await database.close()
  return { connect, drop: () => onServer(serverUrl, `drop database ${name} with (force)`) }
}

async function onServer(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(sql)
  await client.end()
}
