import { event, PLATFORM_TENANT } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../testing/index.ts'

const noteKept = (data: z.ZodType, version = '1.0.0') =>
  event({ type: 'note.kept', topic: 'business-facts', version, data, summary: 'A note was kept.' })
const text = z.strictObject({ text: z.string() })
const textAndColour = z.strictObject({ text: z.string(), colour: z.string().optional() })

let first: RegistryHost
beforeAll(async () => {
  first = await createRegistryHost({ platformEvents: [noteKept(text)] })
}, 60_000)
afterAll(() => first.close())

/** Another build on the same database. */
const boot = (...platformEvents: ReturnType<typeof noteKept>[]) =>
  createRegistryHost({ platformEvents, database: first.database })
/** Each row with the transaction that wrote it. */
const rows = () =>
  first.database.transaction({ role: 'soma_worker', tenantId: PLATFORM_TENANT }, (session) =>
    session.query<{ table: string; version: string; written: string }>(
      `select 'definition' as table, version, xmin::text as written from registry.event_definitions where type = 'note.kept'
       union all select 'schema', version, xmin::text from registry.schemas where name = 'note.kept' order by 1, 2`,
    ),
  )

it('REG-R21 the events of contracts are registered at boot for all tenants; the same again writes nothing, another content of a version stops the boot and says where', async () => {
  const written = await rows()
  expect(written.map(({ table, version }) => [table, version])).toEqual([
    ['definition', '1.0.0'],
    ['schema', '1.0.0'],
  ])
  const params = { topic: 'business-facts', type: 'note.kept' }
  expect(await first.client.events.get(anAgentContext('any-tenant'), { params })).toMatchObject({
    visibility: 'platform',
    version: '1.0.0',
    jsonSchema: { required: ['text'] },
  })

  await boot(noteKept(text))
  expect(await rows()).toEqual(written)

  await expect(boot(noteKept(textAndColour))).rejects.toThrow(
    'events changed without a new version; raise the version of each: note.kept 1.0.0: /properties/colour',
  )
  expect(await rows()).toEqual(written)

  await boot(noteKept(textAndColour, '1.1.0'))
  expect((await rows()).map(({ table, version }) => [table, version])).toEqual([
    ['definition', '1.0.0'],
    ['definition', '1.1.0'],
    ['schema', '1.0.0'],
    ['schema', '1.1.0'],
  ])
  // The other build still runs.
  await boot(noteKept(text))
  expect(await first.client.events.get(anAgentContext('any-tenant'), { params })).toMatchObject({ version: '1.1.0' })
})
