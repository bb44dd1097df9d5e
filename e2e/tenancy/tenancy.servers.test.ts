import { randomUUID } from 'node:crypto'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { type Database, silentLogger } from '@soma/kernel'
import pg from 'pg'
import { tenancySuite } from './tenancy-suite.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

/** The database is left behind: the server is thrown away after the run. */
async function openEmpty(url: string): Promise<Database> {
  const name = `tenancy_${randomUUID().slice(0, 8)}`
  const administrator = new pg.Client({ connectionString: url })
  await administrator.connect()
  await administrator.query(`create database ${name}`).finally(() => administrator.end())
  const connectionString = Object.assign(new URL(url), { pathname: `/${name}` }).href
  return createPostgresDatabase({ connectionString, poolSize: 2, log: silentLogger, statementTimeoutMs: 30_000 })
}

tenancySuite({ name: 'Postgres', open: () => openEmpty(server) })
