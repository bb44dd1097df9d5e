import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { newUuid } from '@soma/kernel'
import { type Clients, createClients } from '@soma/sdk/clients'
import { afterAll, expect, test } from 'vitest'

const PLATFORM = fileURLToPath(new URL('./drain-platform.ts', import.meta.url))
const REGISTRATIONS = 200
const AT_ONCE = 4
/** After about how many answers each process is killed. */
const KILLS_AFTER = [50, 80]

const processes: ChildProcess[] = []
const directories: string[] = []
afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL')
  await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })))
})

async function aPlatform(directory: string) {
  const child = spawn(
    process.execPath,
    ['--conditions=@soma/source', '--import', import.meta.resolve('tsx'), PLATFORM],
    {
      env: { ...process.env, DATA_DIRECTORY: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  processes.push(child)
  const exited = once(child, 'exit')
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { clients: createClients({ url }), exited, kill: () => void child.kill('SIGKILL') }
}

const registrations = Array.from({ length: REGISTRATIONS }, (_, number) => {
  const asked = { topic: 'action-requests', type: `work-${number}.requested` }
  const schema = { name: `work-${number}`, version: '1.0.0' }
  return {
    params: { name: `worker-${number}`, instanceId: newUuid() },
    body: {
      ...{ kind: 'worker' as const, description: `Does ${number}.`, agentVersion: '1.0.0' },
      capabilities: [{ name: `ability-${number}`, consumes: asked }],
      schemas: [{ ...schema, jsonSchema: { type: 'object' } }],
      events: [{ ...asked, kind: 'request' as const, description: `Asks for ${number}.`, schema }],
    },
  }
})

async function all<Item>(read: (cursor: string | undefined) => Promise<{ items: Item[]; nextCursor: string | null }>) {
  const items: Item[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await read(cursor)
    items.push(...page.items)
    if (page.nextCursor === null) return items
    cursor = page.nextCursor
  }
}

/** Of each registration the parts of it that are there. */
async function partsIn({ registry, events }: Clients): Promise<string[][]> {
  const page = (cursor: string | undefined) => ({ limit: 200, ...(cursor === undefined ? {} : { cursor }) })
  const agents = await all((cursor) => registry.agents.list({ query: page(cursor) }))
  const definitions = await all((cursor) => registry.events.list({ query: { visibility: 'tenant', ...page(cursor) } }))
  const schemas = await all((cursor) => registry.schemas.list({ query: { ownerId: 'developer', ...page(cursor) } }))
  const facts = await all((cursor) => events.events.list({ query: { type: 'agent.registered', ...page(cursor) } }))
  const there = new Set([
    ...agents.flatMap(({ name, capabilities, instances }) => [
      name,
      ...capabilities.map((capability) => capability.name),
      ...instances.map(({ instanceId }) => instanceId),
    ]),
    ...definitions.map(({ type }) => type),
    ...schemas.map(({ name }) => name),
  ])
  const announced = facts.map(({ data }) => (data as { name: string }).name)
  return registrations.map(({ params: { name, instanceId }, body }) => [
    ...([name, instanceId, body.capabilities[0]?.name, body.events[0]?.type, body.schemas[0]?.name].filter((part) =>
      there.has(part as string),
    ) as string[]),
    ...announced.filter((other) => other === name).map(() => 'announced'),
  ])
}
const WHOLE = 6

test('REG-A8 registrations whose platform is killed are wholly there or not at all, and a repeat completes them', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'soma-registrations-'))
  directories.push(directory)
  const answered = new Set<number>()
  let next = 0
  /** Registers one after the other in some lines side by side, until all are done or the process is dead. */
  const registerRest = async ({ registry }: Clients, onAnswer: () => void) => {
    const line = async () => {
      while (next < REGISTRATIONS) {
        const number = next++
        await registry.instances.register(registrations[number] as (typeof registrations)[number])
        answered.add(number)
        onAnswer()
      }
    }
    return Promise.allSettled(Array.from({ length: AT_ONCE }, line))
  }
  for (const after of KILLS_AFTER) {
    const platform = await aPlatform(directory)
    await checkWhole(platform.clients, answered)
    let answers = 0
    // Somewhere within the next registration.
    const onAnswer = () => ++answers === after && setTimeout(platform.kill, Math.random() * 20)
    await registerRest(platform.clients, onAnswer)
    await platform.exited
  }
  const last = await aPlatform(directory)
  const found = await checkWhole(last.clients, answered)
  expect(found).toBeLessThan(REGISTRATIONS)
  next = 0
  await registerRest(last.clients, () => undefined)
  expect(answered.size).toBe(REGISTRATIONS)
  expect(await checkWhole(last.clients, answered)).toBe(REGISTRATIONS)
  last.kill()
  await last.exited
}, 180_000)

/** Answers how many are there. */
async function checkWhole(clients: Clients, answered: ReadonlySet<number>): Promise<number> {
  const parts = await partsIn(clients)
  expect(parts.filter(({ length }) => length !== 0 && length !== WHOLE)).toEqual([])
  const missing = [...answered].filter((number) => parts[number]?.length !== WHOLE)
  expect(missing).toEqual([])
  return parts.filter(({ length }) => length === WHOLE).length
}
