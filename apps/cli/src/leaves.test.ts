import { randomUUID } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  deadLetterOperations,
  deadLetterSchema,
  eventOperations,
  replaySchema,
  storedEventSchema,
} from '@soma/events/contract'
import { gate, gateOperations, openGate } from '@soma/governance/contract'
import { issuedKey } from '@soma/identity/contract'
import type { Schema } from '@soma/kernel'
import { plan, plansOperations } from '@soma/plans/contract'
import { eventOperations as definitionOperations, graphOperations, schemaOperations } from '@soma/registry/contract'
import { type Clients, createClients } from '@soma/sdk/clients'
import type { RunningServer } from '@soma/server'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLiveServer } from '../testing/live-server.ts'
import { type Ran, runCli } from '../testing/run-cli.ts'
import { createProgram } from './program.ts'

interface Leaf {
  /** The words of a success; `{…}` are made by `makeMatter`. */
  readonly good: readonly string[]
  /** Exit code of the success. Default 0. */
  readonly goodCode?: number
  /** What one JSON document on stdout is. Absent: any JSON. */
  readonly schema?: Schema
  /** stdout is an object a line. */
  readonly isStream?: boolean
  readonly bad: readonly string[]
  readonly badCode?: number
}

/** Every leaf that answers and ends, but the servers themselves (see serve.test.ts). */
const LEAVES: Readonly<Record<string, Leaf>> = {
  status: { good: ['status'], bad: ['status', '--url', 'nowhere'] },
  doctor: { good: ['doctor', '--port', '{freePort}'], bad: ['doctor', '--port', '70000'] },
  version: { good: ['version'], bad: ['version', '--output', 'xml'] },
  'config show': { good: ['config', 'show'], bad: ['config', 'show', '--check'] },
  'config explain': { good: ['config', 'explain', 'server.port'], bad: ['config', 'explain', 'server.prt'] },
  'plans list': {
    good: ['plans', 'list', '--status', 'running'],
    schema: plansOperations.list.output,
    bad: ['plans', 'list', '--status', 'runing'],
  },
  'plans get': { good: ['plans', 'get', '{plan}'], schema: plan, bad: ['plan', 'get', '{absentPlan}'], badCode: 4 },
  'plans watch': {
    good: ['plans', 'watch', '{endedPlan}'],
    goodCode: 1,
    schema: storedEventSchema,
    isStream: true,
    bad: ['plans', 'watch', '{absentPlan}'],
    badCode: 4,
  },
  'plans cancel': {
    good: ['plans', 'cancel', '{plan}', '--reason', 'done with it'],
    schema: plan,
    bad: ['plans', 'cancel', '{plan}'],
  },
  'gates list': {
    good: ['gates', 'list', '--mine'],
    schema: gateOperations.list.output,
    bad: ['gates', 'list', '--kind', 'none'],
  },
  'gates get': { good: ['gates', 'get', '{gate}'], schema: gate, bad: ['gates', 'get', 'short'] },
  'gates approve': {
    good: ['gates', 'approve', '{gate}', '--reason', 'read it', '--without', 'b.md'],
    schema: gate,
    bad: ['gates', 'approve', '{gate}', '--reason', 'read it', '--without', 'c.md'],
  },
  'gates reject': {
    good: ['gates', 'reject', '{gate}', '--reason', 'wrong'],
    schema: gate,
    bad: ['gates', 'reject', '{decidedGate}', '--reason', 'too late'],
    badCode: 5,
  },
  'gates revise': {
    good: ['gates', 'revise', '{gate}', '--reason', 'shorter', '--instructions', 'Make it shorter.'],
    schema: gate,
    bad: ['gates', 'revise', '{gate}'],
  },
  approve: {
    good: ['approve', '{gate}', '--reason', 'read it'],
    schema: gate,
    bad: ['approve', '{gate}'],
  },
  reject: { good: ['reject', '{gate}', '--reason', 'wrong'], schema: gate, bad: ['reject', '--yes'] },
  revise: { good: ['revise', '{gate}', '--reason', 'again'], schema: gate, bad: ['revise', '{gate}', '--reson', 'x'] },
  'events tail': {
    good: ['events', 'tail', '--since', '1h', '--count', '2'],
    schema: storedEventSchema,
    isStream: true,
    bad: ['events', 'tail', '--since', 'yesterday'],
  },
  'events publish': {
    good: ['events', 'publish', 'cli.tested', '--topic', 'business-facts', '--data', '{"count":1}'],
    schema: eventOperations.publish.output,
    bad: ['events', 'publish', 'cli.tested', '--data', '{"count":'],
  },
  'events list': {
    good: ['events', 'list', '--type', 'cli.tested', '--since', '1h'],
    schema: eventOperations.list.output,
    bad: ['events', 'list', '--topic', 'no-such-topic'],
    badCode: 1,
  },
  'events get': {
    good: ['events', 'get', '{event}'],
    schema: storedEventSchema,
    bad: ['event', 'show', 'evt_absent'],
    badCode: 4,
  },
  'events replay': {
    good: ['events', 'replay', '--group', '{subscription}', '--note', 'again', '--yes'],
    schema: replaySchema,
    bad: ['events', 'replay', '--group', '{subscription}', '--rate', '0'],
  },
  'events types': {
    good: ['events', 'types', '--topic', 'business-facts', '--status', 'active'],
    schema: definitionOperations.list.output,
    bad: ['events', 'types', '--kind', 'wish'],
  },
  'events graph': {
    good: ['events', 'graph', '--type', 'cli.tested', '--depth', '3'],
    schema: graphOperations.get.output,
    bad: ['events', 'graph', '--depth', '6'],
  },
  'events validate': {
    good: ['events', 'validate', 'cli.tested', '--topic', 'business-facts', '--data', '5'],
    goodCode: 9,
    schema: eventOperations.validate.output,
    bad: ['events', 'validate', 'cli.tested', '--topic', 'business-facts', '--data', '{'],
  },
  'events register': {
    good: ['events', 'register', '{definition}'],
    schema: definitionOperations.create.output,
    bad: ['events', 'register', '{"type":"cli.registered"}'],
  },
  'schemas list': {
    good: ['schemas', 'list', '--status', 'active'],
    schema: schemaOperations.list.output,
    bad: ['schemas', 'list', '--status', 'old'],
  },
  'schemas get': {
    good: ['schemas', 'get', 'cli.tested', '1.0.0'],
    schema: schemaOperations.get.output,
    bad: ['schema', 'get', 'absent'],
    badCode: 4,
  },
  'schemas register': {
    good: ['schemas', 'register', 'cli.note', '1.0.0', '--schema', '{"type":"string"}'],
    schema: schemaOperations.create.output,
    bad: ['schemas', 'register', 'cli.tested', '1.1.0', '--schema', '{"type":"string"}'],
    badCode: 1,
  },
  'schemas check': {
    good: ['schemas', 'check', '{"type":"object","title":"Tested"}', '--name', 'cli.tested'],
    schema: schemaOperations.check.output,
    bad: ['schemas', 'check', '{"type":"string"}', '--old', '@/absent.json'],
  },
  'schemas diff': { good: ['schemas', 'diff', '{url}', '{url}'], bad: ['schemas', 'diff', '{url}', 'nowhere'] },
  'registry check': {
    good: ['registry', 'check', '{schemaFolder}', '--base', '{url}'],
    bad: ['registry', 'check', '{schemaFolder}', '--base', 'no-such-branch'],
  },
  'dead-letters list': {
    good: ['dead-letters', 'list'],
    schema: deadLetterOperations.list.output,
    bad: ['dead-letters', 'list', '--state', 'lost'],
  },
  'dead-letters replay': {
    good: ['dead-letters', 'replay', '--group', '{subscription}', '--note', 'mended', '--yes'],
    schema: deadLetterOperations.replayMany.output,
    bad: ['dead-letters', 'replay', '--note', 'mended'],
  },
  'dead-letters show': {
    good: ['dead-letters', 'show', '{deadLetter}'],
    schema: deadLetterSchema,
    bad: ['dead-letters', 'show', 'dlv_01h455vb4pex5vsknk084sn02q'],
    badCode: 4,
  },
  'dead-letters discard': {
    good: ['dead-letters', 'discard', '{deadLetter}', '--note', 'written off'],
    schema: deadLetterSchema,
    bad: ['dead-letters', 'discard', '{deadLetter}'],
  },
  'dead-letters purge': {
    good: ['dead-letters', 'purge', '--group', '{subscription}', '--note', 'last year', '--yes'],
    schema: deadLetterOperations.purge.output,
    bad: ['dead-letters', 'purge', '--note', 'all of them', '--yes'],
  },
  'keys create': {
    good: ['keys', 'create', '--name', 'agent', '--scopes', 'plan:read', '--expires-in-days', '1'],
    schema: issuedKey,
    bad: ['keys', 'create', '--name', 'agent', '--scopes', 'plan:fly'],
    badCode: 1,
  },
}

/** They run until they are stopped, do the whole job of the first run, or work while no server runs. */
const SERVERS = ['serve', 'start', 'demo', 'events migrate']

let server: RunningServer
let clients: Clients
const environment: Record<string, string> = {}

beforeAll(async () => {
  server = await startLiveServer()
  clients = createClients({ url: server.url })
  environment.SOMA_URL = server.url
  await clients.registry.events.create({
    body: {
      type: 'cli.tested',
      topic: 'business-facts',
      description: 'A test ran.',
      schema: { jsonSchema: { type: 'object' } },
    },
  })
}, 60_000)
afterAll(() => server.stop())

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
