import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, DatabaseScope, Migration } from '../src/ports/database.ts'

export interface DatabaseUnderTest {
  /** Names the suite in the report. */
  readonly name: string
  /** Opens an EMPTY database; called once for the suite. */
  open(options: { readonly idleTransactionTimeoutMs: number }): Promise<Database>
  /** Opens the same database as another process would. Left out by engines that allow one opener. */
  openAgain?(): Promise<Database>
}

type Use = () => Database

const IDLE_TIMEOUT_MS = 300
const app = (tenantId: string): DatabaseScope => ({ role: 'soma_app', tenantId })

const schema: Migration = {
  id: 'conformance/0001_notes.sql',
  sql: `
    create schema conformance;
    grant usage on schema conformance to soma_app, soma_worker, soma_bus, soma_scheduler;
    create table conformance.notes (tenant_id text not null, id text not null, body text not null default '', primary key (tenant_id, id));
    alter table conformance.notes enable row level security;
    alter table conformance.notes force row level security;
    create policy tenant on conformance.notes to soma_app, soma_worker
      using (tenant_id = (select current_setting('soma.tenant_id', true)))
      with check (tenant_id = (select current_setting('soma.tenant_id', true)));
    grant select, insert, update, delete on conformance.notes to soma_app, soma_worker;
    create table conformance.counters (id int primary key, value int8 not null);
    insert into conformance.counters values (1, 0);
    grant select, update on conformance.counters to soma_app;
  `,
}

const insertNote = `insert into conformance.notes (tenant_id, id) values ($1, $2)`
const selectNotes = `select id from conformance.notes where id = $1`

/** Registers the tests that every Database adapter passes: values, transactions, fences, migrations, notifications. */
export function databaseConformance(subject: DatabaseUnderTest): void {
  describe(`the database ${subject.name}`, () => {
    let opened: Database | undefined
    const use: Use = () => {
      if (opened === undefined) throw new Error(`${subject.name} did not open`)
      return opened
    }
    beforeAll(async () => {
      opened = await subject.open({ idleTransactionTimeoutMs: IDLE_TIMEOUT_MS })
      await opened.migrate([schema])
    }, 60_000)
    afterAll(async () => opened?.close())
    valueTests(use)
    transactionTests(use)
    fenceTests(use)
    migrationTests(use, subject)
    notificationTests(use)
  })
}

async function one<Row>(database: Database, sql: string, parameters: readonly unknown[] = []): Promise<Row> {
  const [row] = await database.transaction(app('values'), (session) => session.query<Row>(sql, parameters))
  return row as Row
}

function valueTests(use: Use): void {
  it('answers every type in its promised shape', async () => {
    const row = await one(
      use(),
      `select 9007199254740991::int8 as big, 1::int4 as small, 1.5::float8 as float, 12.340::numeric as exact, true as yes,
        '2026-11-21 10:00:00.123+02'::timestamptz as at, '{"a":[1]}'::jsonb as document, '[1]'::json as list,
        '\\x00ff'::bytea as bytes, '00000000-0000-7000-8000-000000000001'::uuid as id, null::int8 as nothing,
        '2026-11-21'::date as day, 'text' as word, array[1,2]::int8[] as bigs, array['a"b', null, 'c,d', 'NULL']::text[] as words,
        array['00000000-0000-7000-8000-000000000001']::uuid[] as ids, array[true,false] as flags, '{}'::int4[] as empty`,
    )
    expect(row).toEqual({
      big: 9007199254740991,
      small: 1,
      float: 1.5,
      exact: '12.340',
      yes: true,
      at: new Date('2026-11-21T08:00:00.123Z'),
      document: { a: [1] },
      list: [1],
      bytes: expect.any(Uint8Array),
      id: '00000000-0000-7000-8000-000000000001',
      nothing: null,
      day: '2026-11-21',
      word: 'text',
      bigs: [1, 2],
      words: ['a"b', null, 'c,d', 'NULL'],
      ids: ['00000000-0000-7000-8000-000000000001'],
      flags: [true, false],
      empty: [],
    })
    expect([...(row as { bytes: Uint8Array }).bytes]).toEqual([0, 255])
  })

  it('answers infinite times as the first and the last date', async () => {
    const row = await one(use(), `select 'infinity'::timestamptz as last, '-infinity'::timestamptz as first`)
    expect(row).toEqual({ last: new Date(8.64e15), first: new Date(-8.64e15) })
  })

  it('takes parameters of every type', async () => {
    const id = randomUUID()
    const at = new Date('2026-11-21T08:00:00.123Z')
    const row = await one(
      use(),
      `select $1::text[] as words, $2::int8[] as bigs, $3::uuid[] as ids, $4::jsonb as document, $5::text as nothing,
        $6::timestamptz as at, $7::bytea as bytes, $8::bool as yes, $9::int8 as big, $10::text as odd, $11::text[] as none`,
      [
        ['a', 'b"c\\', 'd,e', '', null, '{x}'],
        [1, 2],
        [id],
        JSON.stringify({ quote: '"' }),
        null,
        at,
        new Uint8Array([0, 255]),
        false,
        9007199254740991,
        "it's \\ \u00e9 \u{1f600}",
        [],
      ],
    )
    expect({ ...(row as object), bytes: [...(row as { bytes: Uint8Array }).bytes] }).toEqual({
      words: ['a', 'b"c\\', 'd,e', '', null, '{x}'],
      bigs: [1, 2],
      ids: [id],
      document: { quote: '"' },
      nothing: null,
      at,
      bytes: [0, 255],
      yes: false,
      big: 9007199254740991,
      odd: "it's \\ \u00e9 \u{1f600}",
      none: [],
    })
  })

  it('gives an error the SQLSTATE as its code', async () => {
    const statement = (sql: string) => use().transaction(app('errors'), (session) => session.query(sql))
    await expect(statement('select * from conformance.absent')).rejects.toMatchObject({ code: '42P01' })
    await expect(statement('select 1/0')).rejects.toMatchObject({ code: '22012' })
    const twice = use().transaction(app('errors'), async (session) => {
      await session.execute(insertNote, ['errors', 'twice'])
      await session.execute(insertNote, ['errors', 'twice'])
    })
    await expect(twice).rejects.toMatchObject({ code: '23505', constraint: 'notes_pkey' })
  })

  it('runs one statement at a time', async () => {
    for (const two of ['select 1; select 2', 'select * from conformance.notes; select 2']) {
      const attempt = use().transaction(app('values'), (session) => session.query(two))
      await expect(attempt, two).rejects.toMatchObject({ code: '42601' })
    }
  })
}

function transactionTests(use: Use): void {
  it('commits what resolves and answers the changed rows', async () => {
    const changed = await use().transaction(app('commits'), async (session) => {
      await session.execute(insertNote, ['commits', 'one'])
      await session.execute(insertNote, ['commits', 'two'])
      return session.execute(`update conformance.notes set body = 'x'`)
    })
    expect(changed).toBe(2)
    expect(await use().transaction(app('commits'), (session) => session.query(selectNotes, ['one']))).toEqual([
      { id: 'one' },
    ])
  })

  it('rolls back what throws', async () => {
    const failing = use().transaction(app('throws'), async (session) => {
      await session.execute(insertNote, ['throws', 'gone'])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await use().transaction(app('throws'), (session) => session.query(selectNotes, ['gone']))).toEqual([])
  })

  it('does not resolve when a statement failed and its error was swallowed', async () => {
    const swallowed = use().transaction(app('swallows'), async (session) => {
      await session.execute(insertNote, ['swallows', 'gone'])
      await session.query('select 1/0').catch(() => undefined)
    })
    await expect(swallowed).rejects.toThrow(/rolled back/)
  })

  it('goes on after a savepoint', async () => {
    await use().transaction(app('savepoints'), async (session) => {
      await session.execute('savepoint before')
      await session.query('select 1/0').catch(() => undefined)
      await session.execute('rollback to savepoint before')
      await session.execute(insertNote, ['savepoints', 'kept'])
    })
    expect(await use().transaction(app('savepoints'), (session) => session.query(selectNotes, ['kept']))).toHaveLength(
      1,
    )
  })

  it('loses no update of 100 concurrent transactions', async () => {
    const add = () =>
      use().transaction(app('counts'), (session) =>
        session.execute('update conformance.counters set value = value + 1 where id = $1', [1]),
      )
    await Promise.all(Array.from({ length: 100 }, add))
    expect(await one(use(), 'select value from conformance.counters where id = 1')).toEqual({ value: 100 })
  })

  it('refuses a transaction inside a transaction instead of waiting for itself', async () => {
    const nested = use().transaction(app('nests'), () =>
      use().transaction(app('nests'), (session) => session.query('select 1')),
    )
    await expect(nested).rejects.toMatchObject({ code: 'nested-transaction' })
  })

  it('refuses a session whose transaction has ended', async () => {
    const leaked = await use().transaction(app('leaks'), async (session) => session)
    await expect(leaked.query('select 1')).rejects.toMatchObject({ code: 'database-closed' })
  })

  it('rolls back a transaction that waits for something other than SQL, and serves the next', async () => {
    const waiting = use().transaction(app('waits'), async (session) => {
      await session.execute(insertNote, ['waits', 'gone'])
      await new Promise(() => undefined)
    })
    await expect(waiting).rejects.toMatchObject({ code: 'transaction-evicted' })
    expect(await use().transaction(app('waits'), (session) => session.query(selectNotes, ['gone']))).toEqual([])
  })

  it('runs maintenance outside a transaction', async () => {
    await use().maintain('vacuum (analyze) conformance.counters')
    const size = `select reltuples::int8 as rows from pg_class where oid = 'conformance.counters'::regclass`
    expect(await one(use(), size)).toEqual({ rows: 1 })
    await expect(use().ping()).resolves.toBeUndefined()
  })
}

function fenceTests(use: Use): void {
  it('serves under the role of the scope, which owns nothing', async () => {
    for (const role of ['soma_app', 'soma_worker', 'soma_bus', 'soma_scheduler'] as const) {
      const user = await use().transaction({ role }, (session) => session.query('select current_user as name'))
      expect(user).toEqual([{ name: role }])
      const create = use().transaction({ role }, (session) => session.execute('create table conformance.mine (id int)'))
      await expect(create).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('keeps a session from changing its role, its transaction and the settings of others', async () => {
    const escapes = [
      'reset role',
      'RESET ALL',
      '/* x */ set role soma_owner',
      `-- x\nset session authorization default`,
      'commit',
      'rollback',
      'begin',
      `select set_config('role', 'soma_owner', true)`,
      `select SET_CONFIG ( 'session_authorization', 'soma_owner', false)`,
      'discard all',
    ]
    for (const escape of escapes) {
      const attempt = use().transaction(app('escapes'), (session) => session.query(escape))
      await expect(attempt, escape).rejects.toMatchObject({ code: 'statement-refused' })
    }
  })

  it('shows a tenant its own rows alone, and no rows without a tenant', async () => {
    await use().transaction(app('a'), (session) => session.execute(insertNote, ['a', 'fenced']))
    const seenBy = (scope: DatabaseScope) =>
      use().transaction(scope, (session) => session.query(selectNotes, ['fenced']))
    expect(await seenBy(app('a'))).toHaveLength(1)
    expect(await seenBy(app('b'))).toEqual([])
    expect(await seenBy({ role: 'soma_app' })).toEqual([])
    expect(await seenBy({ role: 'soma_worker', tenantId: 'b' })).toEqual([])
    const foreign = use().transaction(app('b'), (session) => session.execute(insertNote, ['a', 'planted']))
    await expect(foreign).rejects.toMatchObject({ code: '42501' })
  })

  it('fences even the owner, because row-level security is forced', async () => {
    await use().transaction(app('a'), (session) => session.execute(insertNote, ['a', 'owned']))
    expect(await use().asOwner((session) => session.query(selectNotes, ['owned']))).toEqual([])
  })

  it('forgets every setting at the end of the transaction', async () => {
    const settings = `select current_setting('soma.tenant_id', true) as tenant, current_setting('soma.plan_read_all', true) as extra`
    const scope: DatabaseScope = { ...app('remembers'), settings: { 'soma.plan_read_all': 'on' } }
    const inside = await use().transaction(scope, (session) => session.query(settings))
    expect(inside).toEqual([{ tenant: 'remembers', extra: 'on' }])
    const later = () =>
      use().transaction({ role: 'soma_app' }, (session) => session.query<Record<string, string>>(settings))
    for (const [row] of await Promise.all(Array.from({ length: 20 }, later)))
      expect([row?.['tenant'], row?.['extra'] ?? '']).toEqual(['', ''])
    expect(await use().asOwner((session) => session.query(settings))).not.toMatchObject([{ tenant: 'remembers' }])
  })
}

function migrationTests(use: Use, subject: DatabaseUnderTest): void {
  const table = (name: string): Migration => ({
    id: `conformance/${name}.sql`,
    sql: `create table conformance.${name} (id int); insert into conformance.${name} values (1)`,
  })

  it('applies a migration once, as owner, and answers what it applied', async () => {
    expect(await use().migrate([schema, table('first')])).toEqual(['conformance/first.sql'])
    expect(await use().migrate([schema, table('first')])).toEqual([])
    const owner = await one(use(), `select tableowner as name from pg_tables where tablename = 'first'`)
    expect(owner).toEqual({ name: 'soma_owner' })
  })

  it('refuses an applied migration that was edited, and tolerates those it does not know', async () => {
    await use().migrate([table('edited'), table('newer')])
    const edited = { ...table('edited'), sql: 'select 1' }
    await expect(use().migrate([edited])).rejects.toMatchObject({ code: 'migration-changed' })
    expect(await use().migrate([table('edited')])).toEqual([])
  })

  it('keeps nothing of a migration that fails', async () => {
    const broken = { id: 'conformance/broken.sql', sql: 'create table conformance.broken (id int); select 1/0' }
    await expect(use().migrate([broken])).rejects.toMatchObject({ code: '22012' })
    expect(await use().migrate([{ ...broken, sql: 'create table conformance.broken (id int)' }])).toEqual([broken.id])
  })

  it('applies each migration once when two migrate at the same time', async () => {
    const slowly = ({ id, sql }: Migration): Migration => ({
      id,
      sql: `select count(*) from generate_series(1, 300000); ${sql}`,
    })
    const list = ['raced_a', 'raced_b', 'raced_c'].map((name) => slowly(table(name)))
    const other = (await subject.openAgain?.()) ?? use()
    const applied = await Promise.all([use().migrate(list), other.migrate(list)])
    expect(applied.flat().toSorted()).toEqual(list.map(({ id }) => id))
    if (other !== use()) await other.close()
  })

  it('answers the new columns of a table to a statement it has run before', async () => {
    await use().migrate([
      table('grows'),
      { id: 'conformance/grant', sql: 'grant select on conformance.grows to soma_app' },
    ])
    expect(await one(use(), 'select * from conformance.grows')).toEqual({ id: 1 })
    await use().migrate([{ id: 'conformance/grow', sql: 'alter table conformance.grows add column body text' }])
    expect(await one(use(), 'select * from conformance.grows')).toEqual({ id: 1, body: null })
  })
}

function notificationTests(use: Use): void {
  async function listening(channel: string): Promise<{ next(): Promise<string>; stop(): Promise<void> }> {
    const arrived: string[] = []
    let wake: () => void = () => undefined
    const stop = await use().listen(channel, (payload) => {
      arrived.push(payload)
      wake()
    })
    async function next(): Promise<string> {
      while (arrived.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      return arrived.shift() as string
    }
    return { next, stop }
  }

  it('brings a notification to the listeners of its channel alone, until they stop', async () => {
    const [here, there] = [await listening('here'), await listening('Th"ere')]
    await use().notify('here', 'one')
    await use().notify('Th"ere', 'two')
    expect([await here.next(), await there.next()]).toEqual(['one', 'two'])
    await here.stop()
    await use().notify('here', 'three')
    await use().notify('Th"ere', 'four')
    expect(await there.next()).toBe('four')
    await there.stop()
  })

  it('brings what a transaction notified after its commit, and nothing of a rollback', async () => {
    const listener = await listening('inside')
    const failing = use().transaction({ role: 'soma_bus' }, async (session) => {
      await session.query(`select pg_notify('inside', 'rolled back')`)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await use().transaction({ role: 'soma_bus' }, (session) => session.query(`select pg_notify('inside', 'committed')`))
    expect(await listener.next()).toBe('committed')
    await listener.stop()
  })
}
