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
const storedAnswers = () =>
  database.asOwner(async (session) => {
    await session.execute('alter table runtime.idempotency no force row level security')
    const rows = await session.query<{ operation: string; response: unknown }>(
      'select operation, response from runtime.idempotency',
    )
    await session.execute('alter table runtime.idempotency force row level security')
    return rows
  })

test('an answer with a secret is not stored under its Idempotency-Key, and a repeat makes nothing twice', async () => {
  const body = { name: 'laptop', scopes: ['plan:read'] }
  const made = await ask('identity.keys.create', { body }, 'one')
  expect(made.status).toBe(201)
  const repeated = await ask('identity.keys.create', { body }, 'one')
  expect(repeated).toMatchObject({ status: 201, json: { keyId: made.json.keyId } })
  expect(repeated.json.secret).not.toBe(made.json.secret)
  const rotated = await ask('identity.keys.rotate', { params: { keyId: made.json.keyId }, body: {} }, 'two')
  expect(rotated.status).toBe(200)
  const token = await ask('identity.tokens.create', { body: {} }, 'three')
  expect(token.status).toBe(201)
  await ask('plans.plans.create', { body: { title: 'no secret' } }, 'four')
  const stored = await storedAnswers()
  expect(stored.map(({ operation }) => operation)).toEqual(['plans.plans.create'])
  for (const secret of [made.json.secret, repeated.json.secret, rotated.json.secret, token.json.accessToken])
    expect(JSON.stringify(stored)).not.toContain(secret)
  expect((await ask('identity.keys.list', {})).json.items).toHaveLength(1)
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
