import type { Migration } from '@soma/kernel'
import type { ClientBase } from 'pg'
import { postgresProblems } from './problems.ts'

/** Any number that nobody else locks; it spells `somamigr`. Held by the connection over all migrations, released with it. */
const MIGRATION_LOCK = '8317711408131795314'

const PREPARE = `
create schema if not exists runtime;
create table if not exists runtime.migrations (
  id text primary key, checksum text not null, applied_at timestamptz not null default now())`

async function inOwnerTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    await client.query(`select set_config('role', 'soma_owner', true)`)
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

async function apply(client: ClientBase, { id, sql }: Migration): Promise<boolean> {
  const { rows } = await client.query<{ checksum: string; applied: string | null }>(
    `select encode(sha256(convert_to($2, 'UTF8')), 'hex') as checksum,
      (select checksum from runtime.migrations where id = $1) as applied`,
    [id, sql],
  )
  const { checksum, applied } = rows[0] as { checksum: string; applied: string | null }
  if (applied === checksum) return false
  if (applied !== null)
    throw postgresProblems.migrationChanged.create(`Migration ${id} was applied with another content`)
  await client.query(sql)
  await client.query('insert into runtime.migrations (id, checksum) values ($1, $2)', [id, checksum])
  return true
}

/**
 * Applies what is missing, in order, while no other process migrates. Ids that are not in the list are newer versions' and stay.
 * Statements of a migration may take longer than those of a request.
 */
export async function applyMigrations(client: ClientBase, migrations: readonly Migration[]): Promise<string[]> {
  await client.query('set statement_timeout = 0')
  await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
  await inOwnerTransaction(client, () => client.query(PREPARE))
  const appliedNow: string[] = []
  for (const migration of migrations)
    if (await inOwnerTransaction(client, () => apply(client, migration))) appliedNow.push(migration.id)
  return appliedNow
}
