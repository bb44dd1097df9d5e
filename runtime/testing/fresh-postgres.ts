import { randomUUID } from 'node:crypto'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import { type Database, silentLogger } from '@soma/kernel'
import pg from 'pg'

/** Creates databases of a server and drops them at the end. */
export interface FreshPostgres {
  /** A new empty database. */
  open(): Promise<Database>
  /** The one opened last, as another process sees it. */
  openAgain(): Promise<Database>
  drop(): Promise<void>
}

export function freshPostgres(server: string): FreshPostgres {
  const names: string[] = []
  const connect = (name: string) =>
    createPostgresDatabase({
      connectionString: Object.assign(new URL(server), { pathname: `/${name}` }).href,
      poolSize: 10,
      log: silentLogger,
      statementTimeoutMs: 30_000,
    })
  return {
    open: async () => {
      const name = `soma_test_${randomUUID().slice(0, 8)}`
      await onServer(server, `create database ${name}`)
      names.push(name)
      return connect(name)
    },
    openAgain: () => connect(names.at(-1) as string),
    drop: async () => {
      for (const name of names) await onServer(server, `drop database ${name} with (force)`)
    },
  }
}

async function onServer(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  await client.query(sql)
  await client.end()
}
