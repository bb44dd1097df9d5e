import { postgresLogMigrations } from '@soma/adapter-postgres-log'
import type { Database } from '@soma/kernel'
import { readMigrations, spineMigrations } from '@soma/runtime'
import type { Platform } from './platform.ts'

/** Applies every module's SQL, also of modules that this process does not host: the schema belongs to the platform, and the first process to start makes it. */
export async function migratePlatform(database: Database, platform: Platform): Promise<string[]> {
  const sets: [string, URL][] = [
    ['runtime', spineMigrations],
    ['postgres-log', postgresLogMigrations],
  ]
  for (const module of platform.modules)
    if (module.migrations !== undefined) sets.push([module.contract.module as string, module.migrations])
  const migrations = await Promise.all(sets.map(([set, folder]) => readMigrations(set, folder)))
  return database.migrate(migrations.flat())
}
