import type { Engine } from './engine.ts'
import { pgliteProblems } from './problems.ts'

/** Commits something and sees it synced. The patch that makes PGlite sync reaches into its insides; without this check it could fail silently. */
export async function provePowerDurability(engine: Engine): Promise<void> {
  const { changed: before } = await engine.ask({ kind: 'syncs' })
  await engine.ask({ kind: 'begin', sql: `select pg_logical_emit_message(true, 'soma', 'boot')`, parameters: [] })
  await engine.ask({ kind: 'commit' })
  const { changed: after } = await engine.ask({ kind: 'syncs' })
  if (after <= before) throw pgliteProblems.notDurable.create('A commit at boot called no fsync')
}
