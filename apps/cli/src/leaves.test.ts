import { randomUUID } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openGate } from '@soma/governance/contract'
import type { Schema } from '@soma/kernel'
import { defineEvent, defineTool } from '@soma/sdk'
import { type Clients, createClients } from '@soma/sdk/clients'
import type { RunningServer } from '@soma/server'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { LEAVES, SERVERS } from '../testing/leaves.ts'
import { startLiveServer } from '../testing/live-server.ts'
import { type Ran, runCli } from '../testing/run-cli.ts'
import { createProgram } from './program.ts'

const echoed = defineEvent({
  type: 'cli-echo.completed',
  topic: 'action-results',
  description: 'An echo.',
  data: z.object({ text: z.string() }),
})
const echo = defineEvent({
  type: 'cli-echo.requested',
  topic: 'action-requests',
  description: 'Echoes a text.',
  data: echoed.data,
  response: echoed,
})
const capabilities = [{ name: 'echoing', description: 'Echoes a text.', consumes: echo }]
const tool = defineTool({ name: 'cli-echo', description: 'Echoes a text.', capabilities })
tool.onInvoke(echo, ({ data }) => data)

let server: RunningServer
let clients: Clients
const environment: Record<string, string> = {}

beforeAll(async () => {
  server = await startLiveServer()
  clients = createClients({ url: server.url })
  environment.SOMA_URL = server.url
  await tool.start({ url: server.url })
  await clients.registry.events.create({
    body: {
      type: 'cli.tested',
      topic: 'business-facts',
      description: 'A test ran.',
      schema: { jsonSchema: { type: 'object' } },
    },
  })
}, 60_000)
afterAll(async () => {
  await tool.stop()
  await server.stop()
})

const makeGate = async (): Promise<string> => {
  const { gateId } = await clients.governance.gates.open({
    body: openGate.parse({
      kind: 'review',
      title: 'Write two files',
      payload: { files: [{ name: 'a.md' }, { name: 'b.md' }] },
      editSchema: { type: 'object' },
      requirements: [{ excludeRequester: false }],
    }),
  })
  return gateId
}
const makePlan = async (): Promise<string> => {
  const goal = { type: 'cli.requested', data: {} }
  return (await clients.plans.plans.create({ body: { title: 'A plan', goal } })).planId
}

/** A group that is handed its first event and gives it up. */
const makeDeadLetter = async (): Promise<{ deliveryId: string; subscriptionId: string }> => {
  const name = `dying-${randomUUID()}`
  const subscription = { name, topics: ['business-facts'], types: ['cli.tested'] }
  const { id: subscriptionId } = await clients.events.subscriptions.create({ body: subscription })
  await clients.events.events.publish({ body: { type: 'cli.tested', topic: 'business-facts', data: {} } })
  const params = { subscriptionId }
  const memberId = randomUUID()
  const { deliveries } = await clients.events.deliveries.pull({ params, body: { memberId, waitMs: 20_000 } })
  const nacks = deliveries.map(({ deliveryId, attempt }) => ({ deliveryId, attempt, dead: true }))
  await clients.events.deliveries.settle({ params, body: { memberId, nacks } })
  return { subscriptionId, deliveryId: nacks[0]?.deliveryId as string }
}

const MATTER: Readonly<Record<string, () => Promise<string>>> = {
  plan: makePlan,
  absentPlan: async () => 'plan_01h455vb4pex5vsknk084sn02q',
  draftPlan: async () =>
    (await clients.plans.plans.create({ body: { goal: { type: 'cli.requested', data: {} }, start: false } })).planId,
  endedPlan: async () => {
    const planId = await makePlan()
    await clients.plans.plans.cancel({ params: { planId }, body: { reason: 'planted' } })
    return planId
  },
  gate: makeGate,
  decidedGate: async () => {
    const gateId = await makeGate()
    await runCli(['reject', gateId, '--reason', 'first'], { environment })
    return gateId
  },
  subscription: async () => (await makeDeadLetter()).subscriptionId,
  deadLetter: async () => (await makeDeadLetter()).deliveryId,
  pausedPlan: async () => {
    const planId = await makePlan()
    await clients.plans.plans.pause({ params: { planId }, body: { reason: 'planted' } })
    return planId
  },
  task: async () => (await clients.plans.tasks.create({ body: { type: 'cli.requested', data: {} } })).taskId,
  fact: async () => {
    const item = { kind: 'fact', content: `The cli was tested ${randomUUID()}.` } as const
    const { results } = await clients.memory.items.remember({ body: { items: [item] } })
    return results[0]?.id as string
  },
  procedure: async () => {
    const name = `cli-${randomUUID()}`
    const fields = { agentId: 'cli', type: 'skill', trigger: 'a test', content: 'Test it.' } as const
    return (await clients.memory.procedures.create({ body: { ...fields, name } })).id
  },
  key: async () => {
    const key = `cli-${randomUUID()}`
    await clients.memory.working.put({ params: { scopeType: 'user', scopeId: 'me', key }, body: { value: 1 } })
    return key
  },
  newFolder: async () => join(mkdtempSync(join(tmpdir(), 'soma-new-')), 'made'),
  freePort: async () => '45871',
  url: async () => server.url,
  event: async () => {
    const body = { type: 'cli.tested', topic: 'business-facts', data: {} }
    return (await clients.events.events.publish({ body })).eventId
  },
  definition: async () =>
    JSON.stringify({
      ...{ type: 'cli.registered', topic: 'business-facts', description: 'It was registered.' },
      schema: { jsonSchema: { type: 'object' } },
    }),
  schemaFolder: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'soma-schemas-'))
    writeFileSync(join(folder, 'cli.tested.v1.json'), '{"$id":"cli.tested/1.0.1","type":"object"}')
    return folder
  },
}

const fill = (words: readonly string[]): Promise<string[]> =>
  Promise.all(
    words.map(async (word) => {
      const name = /^\{(\w+)\}$/.exec(word)?.[1]
      return name === undefined ? word : (MATTER[name] as () => Promise<string>)()
    }),
  )

function leavesOf(command: Command, path: readonly string[] = []): string[] {
  return command.commands.flatMap((child) => {
    const own = [...path, child.name()]
    return child.commands.length === 0 ? [own.join(' ')] : leavesOf(child, own)
  })
}

it('lists every leaf of the tree', () => {
  expect([...Object.keys(LEAVES), ...SERVERS].sort()).toEqual(leavesOf(createProgram('soma')).sort())
})

describe.each(Object.entries(LEAVES))('soma %s', (_name, leaf) => {
  it('CLI-R7 prints its result and nothing else on stdout, as JSON of the operation’s shape', async () => {
    const ran = await runCli([...(await fill(leaf.good)), '--json'], { environment })
    expect(ran, ran.stderr).toMatchObject({ code: leaf.goodCode ?? 0 })
    const documents = leaf.isStream === true ? ran.stdout.trimEnd().split('\n') : [ran.stdout]
    for (const document of documents) expectShape(JSON.parse(document), leaf.schema)
  })

  it('refuses a bad argument with its exit code, says why on stderr and prints no result', async () => {
    const ran = await runCli(await fill(leaf.bad), { environment })
    expect(ran, ran.stderr).toMatchObject({ code: leaf.badCode ?? 2, stdout: '' } satisfies Partial<Ran>)
    expect(ran.stderr.trim()).not.toBe('')
  })
})

function expectShape(value: unknown, schema: Schema | undefined): void {
  expect(schema?.safeParse(value).error).toBeUndefined()
}
