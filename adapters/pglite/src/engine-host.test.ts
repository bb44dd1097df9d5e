import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, silentLogger } from '@soma/kernel'
import { afterAll, expect, it } from 'vitest'
import { type Engine, startEngine } from './engine.ts'
import type { EngineSettings } from './engine-messages.ts'
import { createPgliteDatabase } from './pglite-database.ts'
import { provePowerDurability } from './power-durability.ts'
import { startVacuum } from './vacuum.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-pglite-host-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bigTable = {
  id: 'test/big',
  sql: 'create schema big; create table big.rows as select generate_series(1, 1000) as id',
}
const endless = 'select count(*) from generate_series(1, 1000000000000)'

async function withEngine<T>(
  durability: EngineSettings['durability'],
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await startEngine({
    settings: { dataDirectory: join(folder, durability), durability, templateFile: join(folder, 'template.tar') },
    statementTimeoutMs: 10_000,
    log: silentLogger,
    notified: () => undefined,
  })
  try {
    return await use(engine)
  } finally {
    await engine.ask({ kind: 'close' })
    await engine.stop()
  }
}

async function syncsOfCommits(engine: Engine, commits: number): Promise<number> {
  const { changed: before } = await engine.ask({ kind: 'syncs' })
  for (let commit = 0; commit < commits; commit += 1) {
    await engine.ask({ kind: 'begin', sql: `select pg_logical_emit_message(true, 'test', 'row')`, parameters: [] })
    await engine.ask({ kind: 'commit' })
  }
  return (await engine.ask({ kind: 'syncs' })).changed - before
}

it('syncs every commit when durability is power', async () => {
  await withEngine('power', async (engine) => {
    expect(await syncsOfCommits(engine, 20)).toBeGreaterThanOrEqual(20)
    await provePowerDurability(engine)
  })
}, 60_000)

it('notices when commits reach no disk', async () => {
  await withEngine('process', async (engine) => {
    expect(await syncsOfCommits(engine, 20)).toBe(0)
    await expect(provePowerDurability(engine)).rejects.toMatchObject({ code: 'database-not-durable' })
  })
})

it('gives a session that lost its role no rights at all', async () => {
  await withEngine('power', async (engine) => {
    await engine.ask({
      kind: 'script',
      sql: 'set role soma_owner; create schema kept; create table kept.rows (); reset role',
    })
    const attempt = (sql: string) => engine.ask({ kind: 'script', sql })
    await expect(attempt('select * from kept.rows')).rejects.toMatchObject({ code: '42501' })
    await expect(attempt('create schema taken')).rejects.toMatchObject({ code: '42501' })
  })
})

it('refuses a second database on one directory', async () => {
  const options = { dataDirectory: join(folder, 'one'), durability: 'power', log: silentLogger } as const
  const database = await createPgliteDatabase(options)
  await expect(createPgliteDatabase(options)).rejects.toMatchObject({ code: 'database-in-use' })
  await database.close()
  const again = await createPgliteDatabase(options)
  await again.close()
})

it('stops an engine that is stuck in a statement, starts it again with its data and its listeners, and serves the next', async () => {
  const database = await createPgliteDatabase({
    dataDirectory: join(folder, 'stuck'),
    durability: 'power',
    log: silentLogger,
    statementTimeoutMs: 500,
  })
  await database.migrate([bigTable])
  const heard = new Promise<string>((resolve) => void database.listen('after', resolve))
  const stuck = database.transaction({ role: 'soma_app' }, (session) => session.query(endless))
  const next = database.asOwner((session) => session.query('select count(*) as rows from big.rows'))
  await expect(stuck).rejects.toMatchObject({ code: 'database-statement-timeout' })
  expect(await next).toEqual([{ rows: 1000 }])
  await database.asOwner((session) => session.query(`select pg_notify('after', 'restart')`))
  expect(await heard).toBe('restart')
  await database.close()
}, 30_000)

it('refuses to wait for its own transaction in any way, and still notifies from inside one', async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  const heard = new Promise<string>((resolve) => void database.listen('inside', resolve))
  await database.asOwner(async () => {
    await expect(database.ping()).rejects.toMatchObject({ code: 'nested-transaction' })
    await expect(database.maintain('vacuum')).rejects.toMatchObject({ code: 'nested-transaction' })
    await database.notify('inside', 'now')
  })
  expect(await heard).toBe('now')
  await database.close()
})

it('refuses everything after close', async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await database.close()
  await expect(database.ping()).rejects.toMatchObject({ code: 'database-closed' })
  await expect(database.asOwner(async () => 1)).rejects.toMatchObject({ code: 'database-closed' })
  await database.close()
})

it('vacuums on a schedule, so that the planner knows the size of tables', async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  await database.migrate([bigTable])
  const vacuumed = new Promise<void>((resolve, reject) => {
    const log: Logger = { ...silentLogger, warn: (message, fields) => reject(new Error(message, { cause: fields })) }
    const watched = { ...database, maintain: (sql: string) => database.maintain(sql).then(resolve) }
    const stop = startVacuum(watched, 10, log)
    database.listen('stop', stop).catch(reject)
  })
  await vacuumed
  await database.notify('stop', '')
  const size = `select reltuples::int8 as rows from pg_class where oid = 'big.rows'::regclass`
  expect(await database.asOwner((session) => session.query(size))).toEqual([{ rows: 1000 }])
  await database.close()
})
