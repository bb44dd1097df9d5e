import { join } from 'node:path'
import { createPgliteDatabase, startVacuum } from '@soma/adapter-pglite'
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

/** Often enough that a busy hour's dead rows do not slow the queue tables, seldom enough to cost nothing when idle. */
const VACUUM_EVERY_MS = 300_000

/** The database of this process: native Postgres where a URL is given, else the embedded one in the data directory (`memory` keeps nothing). */
export async function openDatabase(options: DataStoreOptions): Promise<Database> {
  const { databaseUrl, dataDirectory, log } = options
  if (databaseUrl !== '')
    return createPostgresDatabase({
      connectionString: databaseUrl,
      poolSize: options.databasePool,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      log,
    })
  const directory = dataDirectory === 'memory' ? 'memory' : join(dataDirectory, 'database')
  const database = await createPgliteDatabase({ dataDirectory: directory, durability: options.durability, log })
  const stopVacuum = startVacuum(database, VACUUM_EVERY_MS, log)
  return {
    ...database,
    close: () => {
      stopVacuum()
      return database.close()
    },
  }
}
