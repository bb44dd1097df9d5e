import { randomUUID } from 'node:crypto'
import { silentLogger } from '@soma/kernel'
import { databaseConformance } from '@soma/kernel/testing'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { createPostgresDatabase } from './postgres-database.ts'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const name = `soma_test_${randomUUID().slice(0, 8)}`
const connectionString = Object.assign(new URL(server), { pathname: `/${name}` }).href

async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  await client.query(sql)
  await client.end()
}

beforeAll(() => onServer(`create database ${name}`))
afterAll(() => onServer(`drop database ${name} with (force)`))

const open = (options: { idleTransactionTimeoutMs?: number } = {}) =>
  createPostgresDatabase({ connectionString, poolSize: 5, log: silentLogger, statementTimeoutMs: 10_000, ...options })

databaseConformance({ name: 'Postgres', open, openAgain: () => open() })
