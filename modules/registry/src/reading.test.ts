import { type Context, isProblem, newUuid, type OperationShape } from '@soma/kernel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registryContract } from '../contract/index.ts'
import { anAgentContext, createRegistryHost, type RegistryHost } from '../testing/index.ts'

const context = anAgentContext('tenant-a', 'agt_one', Object.keys(registryContract.capabilities))
const params: Readonly<Record<string, string>> = {
  name: 'note-keeper',
  topic: 'business-facts',
  type: 'note.kept',
  version: '1.0.0',
}

/** Every operation that only reads, with the words in its path. */
const reads = Object.entries(registryContract.operations).flatMap(([noun, verbs]) =>
  Object.entries(verbs as Readonly<Record<string, OperationShape>>)
    .filter(([, { method }]) => method === 'GET')
    .map(([verb, { path }]) => ({ noun, verb, path })),
)

let host: RegistryHost
beforeAll(async () => {
  host = await createRegistryHost()
  const { topic, type, name } = params as { topic: 'business-facts'; type: string; name: string }
  const jsonSchema = { type: 'object', properties: { text: { type: 'string' } } }
  await host.client.instances.register(context, {
    params: { name, instanceId: newUuid() },
    body: {
      kind: 'worker',
      description: 'Keeps notes.',
      agentVersion: '1.0.0',
      produces: [{ topic, type }],
      events: [
        { topic, type, version: '1.0.0', kind: 'fact', description: 'A note was kept.', schema: { jsonSchema } },
      ],
      schemas: [{ name, version: '1.0.0', jsonSchema }],
    },
  })
}, 60_000)
afterAll(() => host.close())

type Operation = (of: Context, input: object) => Promise<unknown>
const call = async (read: (typeof reads)[number], query: Readonly<Record<string, unknown>> = {}) => {
  const words = [...read.path.matchAll(/\{(\w+)\}/g)].map(([, word]) => word as string)
  const inPath = Object.fromEntries(words.map((word) => [word, params[word]]))
  const operations = host.client as unknown as Record<string, Record<string, Operation>>
  return operations[read.noun]?.[read.verb]?.(context, { ...(words.length > 0 && { params: inPath }), query })
}
const problemOf = (answer: Promise<unknown>) =>
  answer.then(
    (value) => ({ answered: value }),
    (error: unknown) => (isProblem(error) ? error : { thrown: String(error) }),
  )

describe('REG-R37 whoever reads the registry', () => {
  it('is answered while nothing is wrong', async () => {
    expect(reads.length).toBeGreaterThan(8)
    for (const read of reads)
      expect(await problemOf(call(read)), `${read.noun}.${read.verb}`).toHaveProperty('answered')
  })

  it('is refused a filter that does not exist, by its name', async () => {
    for (const read of reads)
      expect(await problemOf(call(read, { colour: 'red' })), `${read.noun}.${read.verb}`).toMatchObject({
        status: 422,
        extensions: { errors: [expect.objectContaining({ pointer: '/query/colour' })] },
      })
  })

  it('is told a problem when the registry itself fails, never an empty list', async () => {
    await host.database.asOwner(async (session) => {
      for (const table of ['agents', 'event_definitions', 'schemas'])
        await session.execute(`alter table registry.${table} rename to ${table}_away`)
    })
    for (const read of reads)
      expect(await problemOf(call(read)), `${read.noun}.${read.verb}`).toMatchObject({ status: 500, code: 'internal' })
  })
})
