import type { Migration } from '@soma/kernel'
import type { Engine } from './engine.ts'
import { pgliteProblems } from './problems.ts'

const PREPARE = `
create schema if not exists runtime;
create table if not exists runtime.migrations (
  id text primary key, checksum text not null, applied_at timestamptz not null default now())`

interface Applied {
  readonly checksum: string
  readonly applied: string | null
}

async function inOwnerTransaction<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  await engine.ask({ kind: 'begin', sql: `select set_config('role', 'soma_owner', true)`, parameters: [] })
  try {
    const result = await work()
    await engine.ask({ kind: 'commit' })
    return result
  } catch (error) {
    await engine.ask({ kind: 'rollback' })
    throw error
  }
}

async function compare(engine: Engine, { id, sql }: Migration): Promise<Applied> {
  const { rows } = await engine.ask({
    kind: 'statement',
    sql: `select encode(sha256(convert_to($2, 'UTF8')), 'hex'), (select checksum from runtime.migrations where id = $1)`,
    parameters: [id, sql],
  })
  const [checksum, applied] = rows[0] as [string, string | null]
  return { checksum, applied }
}

async function apply(engine: Engine, migration: Migration): Promise<boolean> {
  const { checksum, applied } = await compare(engine, migration)
  if (applied === checksum) return false
  if (applied !== null)
    throw pgliteProblems.migrationChanged.create(`Migration ${migration.id} was applied with another content`)
  await engine.ask({ kind: 'script', sql: migration.sql })
  const record = `insert into runtime.migrations (id, checksum) values ($1, $2)`
  await engine.ask({ kind: 'statement', sql: record, parameters: [migration.id, checksum] })
  return true
}

/** Applies what is missing, in order. The caller holds the session. Ids that are not in the list are newer versions' and stay. */
export async function applyMigrations(engine: Engine, migrations: readonly Migration[]): Promise<string[]> {
  await inOwnerTransaction(engine, () => engine.ask({ kind: 'script', sql: PREPARE }))
  const appliedNow: string[] = []
  for (const migration of migrations)
    if (await inOwnerTransaction(engine, () => apply(engine, migration))) appliedNow.push(migration.id)
  return appliedNow
}
