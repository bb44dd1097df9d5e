import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, silentLogger } from '@soma/kernel'
import { somaPlatform } from '@soma/server'
import { createTestServer, type TestServer, testContext } from '@soma/server/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operationOf } from './operations.ts'
import { call } from './requests.ts'
import type { Input } from './sample.ts'

let database: Database
let server: TestServer
beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  const { modules, portsOf } = somaPlatform
  server = await createTestServer({ modules, portsOf, database, authentication: 'identity' })
}, 60_000)
afterAll(() => server.stop())

const headers = { 'x-tenant-id': 'tenant-a', 'x-user-id': 'ann' }
const ask = (id: string, input: Input, key?: string) =>
  call(server.url, operationOf(id), {
    input,
    headers: { ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) },
  })
const storedRows = () =>
  database.asOwner(async (session) => {
    await session.execute('alter table runtime.idempotency no force row level security')
    const rows = await session.query('select * from runtime.idempotency')
    await session.execute('alter table runtime.idempotency force row level security')
    return rows
  })

test('a repeat with the same Idempotency-Key gives the same secret and does nothing again; the store can be read with that key alone', async () => {
  const body = { name: 'laptop', scopes: ['plan:read'] }
  const keys: string[] = []
  const twice = async (id: string, input: Input) => {
    const key = `key-of-${id}`
    keys.push(key)
    const [first, second] = [await ask(id, input, key), await ask(id, input, key)]
    expect([first.status, second.json]).toEqual([expect.any(Number), first.json])
    return first
  }
  const made = await twice('identity.keys.create', { body })
  expect(made.status).toBe(201)
  const params = { keyId: made.json.keyId }
  const rotated = await twice('identity.keys.rotate', { params, body: { overlapMs: 60_000 } })
  expect(rotated.json).toMatchObject({ keyId: made.json.keyId, version: made.json.version + 1 })
  const token = await twice('identity.tokens.create', { body: {} })
  for (const secret of [made.json.secret, rotated.json.secret, token.json.accessToken]) {
    const me = await call(server.url, operationOf('identity.me.get'), {
      input: {},
      headers: { authorization: `Bearer ${secret}` },
    })
    expect(me.status).toBe(200)
    expect(JSON.stringify(await storedRows())).not.toContain(secret)
  }
  for (const key of keys) expect(JSON.stringify(await storedRows())).not.toContain(key)
  expect((await storedRows()).length).toBe(3)
  expect((await ask('identity.keys.list', {})).json.items).toHaveLength(1)
  const reused = await ask('identity.keys.create', { body: { ...body, name: 'desk' } }, keys[0])
  expect(reused).toMatchObject({ status: 422, json: { code: 'idempotency-key-reused' } })
}, 30_000)

test('who has lost the capability gets no stored answer either', async () => {
  const plain = await createTestServer({ modules: somaPlatform.modules, portsOf: somaPlatform.portsOf })
  const as = (capabilities: string[]) => ({
    ...plain.headersOf(testContext({ capabilities })),
    'idempotency-key': 'same',
  })
  const input = { body: { title: 'once' } }
  const first = await call(plain.url, operationOf('plans.plans.create'), { input, headers: as(['*']) })
  const again = await call(plain.url, operationOf('plans.plans.create'), { input, headers: as([]) })
  await plain.stop()
  expect([first.status, again.status]).toEqual([202, 403])
}, 60_000)
