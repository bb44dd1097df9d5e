import { openPostgres, type PostgresForTests } from '@soma/governance/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { identityPorts, type Installation, nobody, openInstallation } from '../../testing/index.ts'
import { identityModule } from '../module.ts'

/** Room to make a database on a busy server. */
const OPENING_MS = 60_000

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')

const codes: string[] = []
const ports = {
  writeSetupCode: async (code: string) => {
    codes.push(code)
    return 'setup-code'
  },
}

let postgres: PostgresForTests
let processes: Installation[]
beforeAll(async () => {
  postgres = await openPostgres(server, [{ definition: identityModule, ports: identityPorts() }])
  const databases = await Promise.all([1, 2, 3].map(() => postgres.connect()))
  processes = await Promise.all(databases.map((database) => openInstallation({ ports, database })))
}, OPENING_MS)
afterAll(async () => {
  for (const { bench } of processes) await bench.close()
  await postgres.drop()
})

test('three processes that start cold at once make one platform tenant, one default tenant, one signing key and one setup code', async () => {
  const created = processes.flatMap(({ bench }) => bench.events).filter(({ type }) => type === 'tenant.created')
  expect(created.map(({ tenantid }) => tenantid).sort()).toEqual(['default', 'platform'])
  const kids = await Promise.all(
    processes.map(async ({ identity }) => (await identity.metadata.jwks(nobody())).keys.map(({ kid }) => kid)),
  )
  expect(new Set(kids.flat()).size).toBe(1)
  expect(codes).toHaveLength(1)
})

test('of three who post the setup code at once one becomes the administrator; its key, and a token of it, hold on every process until they are revoked', async () => {
  const tries = await Promise.allSettled(
    processes.map(({ identity }, index) =>
      identity.bootstrap.create(nobody(), {
        body: {
          setupCode: codes[0] as string,
          email: 'ada@acme.test',
          tenant: { slug: `acme-${index}`, displayName: 'Acme' },
        },
      }),
    ),
  )
  const made = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  expect(made).toHaveLength(1)
  for (const result of tries)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' })
  const [one, two, three] = processes as [Installation, Installation, Installation]
  const secret = made[0]?.key.secret as string
  const admin = await one.as(secret)
  const { accessToken } = await one.identity.tokens.create(admin, { body: {} })
  expect(await two.as(secret)).toMatchObject({ principal: { roles: ['AgentAdmin'] } })
  expect(await three.as(accessToken)).toMatchObject({ method: 'token', tenantId: admin.tenantId })
  await two.identity.tokens.revoke(admin, { body: { token: accessToken } })
  await expect(two.as(accessToken)).rejects.toMatchObject({ code: 'unauthenticated' })
})
