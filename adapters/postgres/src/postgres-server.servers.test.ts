import { type ChildProcess, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Database, silentLogger } from '@soma/kernel'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPool } from './pool.ts'
import { createPostgresDatabase, type PostgresOptions } from './postgres-database.ts'

const script = fileURLToPath(new URL('../../../tools/servers/own-server.sh', import.meta.url))

let server: ChildProcess
let lines: AsyncIterator<[string]>
let serverUrl = ''

const nextLine = async (): Promise<string> => (await lines.next()).value[0]

beforeAll(async () => {
  server = spawn('bash', [script, 'postgres'], { stdio: ['pipe', 'pipe', 'inherit'] })
  lines = on(createInterface({ input: server.stdout as NodeJS.ReadableStream }), 'line') as AsyncIterator<[string]>
  serverUrl = await nextLine()
}, 120_000)
afterAll(() => server.stdin?.end())

async function restart(): Promise<void> {
  server.stdin?.write('restart\n')
  expect(await nextLine()).toBe('restarted')
}

function urlOf(database: string, user = 'postgres'): string {
  return Object.assign(new URL(serverUrl), { pathname: `/${database}`, username: user }).href
}

async function onServer(database: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(database) })
  await client.connect()
  await client.query(sql)
  await client.end()
}

function open(connectionString: string, change: Partial<PostgresOptions> = {}): Promise<Database> {
  return createPostgresDatabase({
    connectionString,
    poolSize: 3,
    log: silentLogger,
    statementTimeoutMs: 5_000,
    ...change,
  })
}

it('a connection has no rights between transactions, and a scope that fails says why', async () => {
  await onServer('postgres', 'create database idle')
  const database = await open(urlOf('idle'), { poolSize: 1 })
  const pool = createPool({ connectionString: urlOf('idle') }, 1)
  expect((await pool.query('select current_user as role')).rows).toEqual([{ role: 'soma_nobody' }])
  await pool.end()
  await database.migrate([{ id: 'test/1', sql: 'create schema probe; create table probe.rows (id int)' }])
  const rights = "select has_schema_privilege('soma_nobody', 'probe', 'usage') as has"
  expect(await database.asOwner((session) => session.query(rights))).toEqual([{ has: false }])
  const missing = database.transaction({ role: 'soma_missing' as never }, (session) => session.query('select 1'))
  await expect(missing).rejects.toThrow(/role "soma_missing" does not exist/)
  expect(await database.transaction({ role: 'soma_bus' }, (session) => session.query('select 1 as is'))).toEqual([
    { is: 1 },
  ])
  await database.close()
})

it('makes the roles once when several processes open several databases of a new server', async () => {
  await onServer('postgres', 'create database one')
  await onServer('postgres', 'create database two')
  const databases = await Promise.all(['one', 'two', 'one', 'two', 'one', 'two'].map((name) => open(urlOf(name))))
  for (const database of databases)
    await database.migrate([{ id: 'test/1', sql: 'create table runtime.probe (id int)' }])
  const roles = `select count(*) as made from pg_roles where rolname like 'soma\\_%' and not rolsuper and not rolbypassrls and not rolcanlogin`
  expect(await databases[0]?.asOwner((session) => session.query(roles))).toEqual([{ made: 6 }])
  await Promise.all(databases.map((database) => database.close()))
})

it('serves a login that may do nothing but switch to the roles, and tells an unprepared one what is missing', async () => {
  await onServer('postgres', 'create database plain')
  await onServer('postgres', 'create role plain login nosuperuser nocreaterole noinherit')
  await expect(open(urlOf('plain', 'plain'))).rejects.toMatchObject({ code: 'database-roles-missing' })
  await onServer('plain', 'grant soma_owner, soma_app, soma_worker, soma_bus, soma_scheduler, soma_nobody to plain')
  await onServer('plain', 'grant create on database plain to soma_owner')
  const database = await open(urlOf('plain', 'plain'))
  await database.migrate([
    { id: 'test/1', sql: 'create table runtime.probe (id int); grant usage on schema runtime to soma_app' },
  ])
  const read = database.transaction({ role: 'soma_app' }, (session) => session.query('select * from runtime.probe'))
  await expect(read).rejects.toMatchObject({ code: '42501' })
  await database.close()
})

/** The server, but what it says of its version is changed on the way. */
async function sayingVersion(version: string) {
  const { hostname, port } = new URL(serverUrl)
  const own = await versionOf(serverUrl)
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    client.pipe(upstream)
    upstream.on('data', (bytes) => client.write(bytes.toString('latin1').replaceAll(own, version), 'latin1'))
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
    client.on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const url = Object.assign(new URL(serverUrl), { port: String((proxy.address() as AddressInfo).port) }).href
  return { url, end: () => proxy.close() }
}

async function versionOf(connectionString: string): Promise<string> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const { rows } = await client.query<{ server_version_num: string }>('show server_version_num')
  await client.end()
  return (rows[0] as { server_version_num: string }).server_version_num
}

it('EVT-R60 a server older than Postgres 15 is refused by its version, 15 is served', async () => {
  const old = await sayingVersion('140019')
  await expect(open(old.url)).rejects.toMatchObject({
    code: 'database-too-old',
    message: expect.stringContaining('Postgres 14') as string,
  })
  old.end()
  const oldest = await sayingVersion('150000')
  await (await open(oldest.url)).close()
  oldest.end()
})

it('cancels a statement that takes too long, and lets migrations take their time', async () => {
  const database = await open(urlOf('one'), { statementTimeoutMs: 200 })
  const slow = database.transaction({ role: 'soma_app' }, (session) => session.query('select pg_sleep(30)'))
  await expect(slow).rejects.toMatchObject({ code: '57014' })
  expect(await database.migrate([{ id: 'test/slow', sql: 'select pg_sleep(0.4)' }])).toEqual(['test/slow'])
  await database.close()
})

it('surfaces a deadlock with its SQLSTATE to one of the two, and lets the other commit', async () => {
  const database = await open(urlOf('one'))
  await database.migrate([
    { id: 'test/locks', sql: 'create table runtime.locks (id int); insert into runtime.locks values (1), (2)' },
  ])
  const locked = [1, 2].map(() => {
    let done: () => void = () => undefined
    const promise = new Promise<void>((resolve) => {
      done = resolve
    })
    return { promise, done }
  })
  const cross = (own: number, other: number) =>
    database.asOwner(async (session) => {
      await session.execute('update runtime.locks set id = id where id = $1', [own])
      locked[own - 1]?.done()
      await locked[other - 1]?.promise
      await session.execute('update runtime.locks set id = id where id = $1', [other])
    })
  const results = await Promise.allSettled([cross(1, 2), cross(2, 1)])
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(results.find((result) => result.status === 'rejected')?.reason).toMatchObject({ code: '40P01' })
  await database.close()
})

it('serves and listens again after the server was restarted, and rejects the transaction that was under way', async () => {
  const database = await open(urlOf('one'))
  const heard: string[] = []
  let wake: () => void = () => undefined
  await database.listen('restarts', (payload) => {
    heard.push(payload)
    wake()
  })
  let restarted: Promise<void> | undefined
  const underWay = database.transaction({ role: 'soma_app' }, async (session) => {
    restarted = restart()
    await restarted
    await session.query('select 1')
  })
  await expect(underWay).rejects.toThrow()
  await restarted
  await database.ping()
  const arrived = new Promise<void>((resolve) => {
    wake = resolve
  })
  const knocking = setInterval(() => void database.notify('restarts', 'again'), 50)
  await arrived
  clearInterval(knocking)
  expect(heard[0]).toBe('again')
  await database.close()
  await expect(database.ping()).rejects.toMatchObject({ code: 'database-closed' })
}, 60_000)
