import { join } from 'node:path'
import { createPgliteDatabase } from '@soma/adapter-pglite'
import { createPostgresDatabase } from '@soma/adapter-postgres'
import type { Database, Logger } from '@soma/kernel'

export interface DataStoreOptions {
  readonly databaseUrl: string
  readonly databasePool: number
  readonly dataDirectory: string
  readonly durability: 'power' | 'process'
  readonly log: Logger
}

/** Longer than any statement of ours takes on a full table, shorter than a client waits for its answer. */
const STATEMENT_TIMEOUT_MS = 30_000

/** The database of this process: native Postgres where a URL is given, else the embedded one in the data directory (`memory` keeps nothing). */
export function openDatabase(options: DataStoreOptions): Promise<Database> {
  const { databaseUrl, dataDirectory, log } = options
  if (databaseUrl !== '')
    return createPostgresDatabase({
      connectionString: databaseUrl,
      poolSize: options.databasePool,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      log,
    })
  const directory = dataDirectory === 'memory' ? 'memory' : join(dataDirectory, 'database')
  return createPgliteDatabase({ dataDirectory: directory, durability: options.durability, log })
}
