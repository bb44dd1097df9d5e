import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Clients, createClients } from '@soma/sdk/clients'
import type { RunningServer } from '@soma/server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLiveServer } from '../testing/live-server.ts'
import { createRecordingProxy, type RecordingProxy } from '../testing/recording-proxy.ts'
import { runCli, startCli, untilText } from '../testing/run-cli.ts'
import manifest from '../package.json' with { type: 'json' }
import { VERSION } from './version.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-cli-'))
let server: RunningServer
let proxy: RecordingProxy
let clients: Clients
const environment: Record<string, string> = {}

beforeAll(async () => {
  server = await startLiveServer()
  proxy = await createRecordingProxy(server.url)
  clients = createClients({ url: server.url })
  environment.SOMA_URL = proxy.url
}, 60_000)
afterAll(async () => {
  await proxy.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

const makePlan = async (): Promise<string> => {
  const goal = { type: 'cli.requested', data: {} }
  return (await clients.plans.plans.create({ body: { title: 'A plan', goal } })).planId
}
const makeGate = async (): Promise<string> => {
  const requirements = [{ excludeRequester: false }]
  const body = { kind: 'review' as const, title: 'A gate', payload: { amount: 1 }, requirements }
  return (await clients.governance.gates.open({ body })).gateId
}

it('CLI-R1 is one program under three names, and shows the one that was typed', async () => {
  expect(Object.keys(manifest.bin)).toEqual(['soma', 'soorma', 'somagent'])
  expect(new Set(Object.values(manifest.bin)).size).toBe(1)
  for (const name of Object.keys(manifest.bin)) {
    const link = join(folder, name)
    symlinkSync(fileURLToPath(new URL('./main.ts', import.meta.url)), link)
    const [help, error] = await Promise.all([runCli(['--help'], { main: link }), runCli(['plns'], { main: link })])
    expect(help.stdout).toMatch(new RegExp(`^Usage: ${name} `))
    expect(error.stderr).toContain(`\`${name} --help\``)
  }
}, 60_000)

it('prints the version of its package, and help, without a server', async () => {
  const [version, help] = await Promise.all([runCli(['--version']), runCli(['plans', 'watch', '--help'])])
  expect(version).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  expect(VERSION).toBe(manifest.version)
  expect(help).toMatchObject({ code: 0, stderr: '' })
})

it('CLI-A4 ends silently with 0 when the pipe closes early; without a terminal there is no colour and no prompt', async () => {
  await Promise.all(Array.from({ length: 20 }, makePlan))
  for (const words of [
    ['plans', 'list', '--json'],
    ['plans', 'list'],
  ]) {
    const child = startCli(words, { environment })
    child.stdout.destroy()
    const stderr: string[] = []
    child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text))
    const [code] = await once(child, 'close')
    expect({ code, stderr: stderr.join('') }).toEqual({ code: 0, stderr: '' })
  }
  const [list, approve] = await Promise.all([
    runCli(['plans', 'list'], { environment }),
    runCli(['approve'], { environment }),
  ])
  expect(list.stdout + list.stderr + approve.stderr).not.toContain('\u001b')
  expect(approve).toMatchObject({ code: 2, stdout: '' })
}, 60_000)

it('CLI-R9 asks nothing without a terminal: what is missing is named and exits 2, and --yes gives no reason', async () => {
  const gateId = await makeGate()
  const planId = await makePlan()
  const reasonless = [
    ['approve', gateId],
    ['gates', 'reject', gateId, '--yes'],
    ['revise', '--yes'],
    ['plans', 'cancel', planId, '--yes'],
  ]
  for (const words of reasonless) {
    const ran = await runCli(words, { environment })
    expect(ran, words.join(' ')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--reason') })
  }
  const unseen = await runCli(['approve', '--reason', 'I trust it'], { environment })
  expect(unseen).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
  expect((await clients.governance.gates.get({ params: { gateId } })).status).toBe('open')
  expect((await clients.plans.plans.get({ params: { planId } })).status).not.toBe('cancelled')
}, 60_000)

it('approves the oldest gate that it may decide after showing it, with the hash of what was shown', async () => {
  const { items } = await clients.governance.gates.list({ query: { status: 'open', mine: 'true', limit: 200 } })
  await makeGate()
  const oldest = items.at(-1)?.gateId ?? expect.unreachable('the gate of the test before')
  const ran = await runCli(['approve', '--reason', 'read it', '--yes', '--output', 'id'], { environment })
  expect(ran).toMatchObject({ code: 0, stdout: `${oldest}\n` })
  expect(ran.stderr).toContain('"amount": 1')
  const decided = await clients.governance.gates.get({ params: { gateId: oldest } })
  expect(decided.votes).toMatchObject([{ decision: 'approve', reason: 'read it', payloadHash: decided.payloadHash }])
}, 60_000)

it('tells whose decision stood when a race was lost, and exits 5', async () => {
  const gateId = await makeGate()
  await runCli(['approve', gateId, '--reason', 'first'], { environment })
  const late = await runCli(['reject', gateId, '--reason', 'too late'], { environment })
  expect(late).toMatchObject({ code: 5, stdout: '' })
  expect(late.stderr).toMatch(/it was approved by \S+ at \S+, and that stands/)
}, 60_000)

it('CLI-R12 sends a key with every mutation, and one whose answer was lost does its work once', async () => {
  const planId = await makePlan()
  proxy.cutNextPost()
  const cancelled = await runCli(['plans', 'cancel', planId, '--reason', 'once', '--json'], { environment })
  expect(cancelled).toMatchObject({ code: 0, stderr: expect.stringContaining('trying again (1 of 3)') })
  const { items } = await clients.events.events.list({ query: { planId, type: 'plan.cancelled' } })
  expect(items).toHaveLength(1)

  proxy.cutNextPost()
  const words = ['keys', 'create', '--name', 'once', '--scopes', 'plan:read', '--idempotency-key', 'cli-r12']
  expect(await runCli(words, { environment })).toMatchObject({ code: 0 })
  expect((await keysNamed('once')).length).toBe(1)

  proxy.cutNextPost()
  expect(await runCli([...words.slice(0, -2), '--retries', '0'], { environment })).toMatchObject({ code: 8 })

  const posts = proxy.seen.filter(({ method }) => method === 'POST')
  expect(posts.filter(({ headers }) => headers['idempotency-key'] === undefined)).toEqual([])
  expect(posts.filter(({ headers }) => headers['idempotency-key'] === 'cli-r12')).toHaveLength(2)
}, 60_000)

const keysNamed = async (name: string) =>
  (await clients.identity.keys.list({ query: { limit: 200 } })).items.filter((key) => key.name === name)

it('tells the server what it is, and proves itself from the environment alone', async () => {
  const made = await runCli(['keys', 'create', '--name', 'reader', '--scopes', 'plan:read'], { environment })
  const secret = made.stdout.trim()
  expect(secret).toMatch(/^soma_\S+$/)
  expect(made.stderr).not.toContain(secret)
  const withKey = { ...environment, SOMA_API_KEY: secret }
  const [read, denied] = await Promise.all([
    runCli(['plans', 'list'], { environment: withKey }),
    runCli(['plans', 'cancel', await makePlan(), '--reason', 'not allowed'], { environment: withKey }),
  ])
  expect(read).toMatchObject({ code: 0 })
  expect(denied).toMatchObject({ code: 3, stdout: '' })
  expect(`${read.stdout}${read.stderr}${denied.stderr}`).not.toContain(secret)
  const { headers } = proxy.seen.at(-1) as (typeof proxy.seen)[number]
  expect(headers['user-agent']).toBe(`soma-cli/${VERSION}`)
  expect(headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
}, 60_000)

it('CLI-A7 says the same of the plan of another tenant as of one that never existed', async () => {
  const planId = await makePlan()
  const other = { ...environment, SOMA_TENANT: 'tenant-b' }
  const absent = 'plan_01h455vb4pex5vsknk084sn02q'
  const verbs = [['get'], ['watch'], ['cancel', '--reason', 'mine now']]
  for (const [verb, ...flags] of verbs) {
    const [foreign, never] = await Promise.all([
      runCli(['plans', verb as string, planId, ...flags], { environment: other }),
      runCli(['plans', verb as string, absent, ...flags], { environment: other }),
    ])
    const text = (ran: typeof foreign, id: string) => ran.stderr.replaceAll(id, 'ID').replace(/trace \w+/, '')
    expect(foreign).toMatchObject({ code: 4, stdout: '' })
    expect(text(foreign, planId)).toBe(text(never, absent))
  }
}, 60_000)

it('detaches from a watch on Ctrl-C, says how to come back, and leaves the plan alone', async () => {
  const planId = await makePlan()
  const child = startCli(['plans', 'watch', planId, '--json'], { environment })
  const stderr = untilText(child.stderr, 'detached')
  await untilText(child.stdout, 'plan.created')
  child.kill('SIGINT')
  const [code] = await once(child, 'close')
  expect(code).toBe(130)
  expect(await stderr).toContain(`soma plans watch ${planId}`)
  expect((await clients.plans.plans.get({ params: { planId } })).status).not.toBe('cancelled')
}, 60_000)

it('exits 8 where no server is, and starts none', async () => {
  const ran = await runCli(['plans', 'list', '--url', 'http://127.0.0.1:45997'])
  expect(ran).toMatchObject({ code: 8, stdout: '' })
  expect(ran.stderr).toMatch(/^no connection to http:\/\/127\.0\.0\.1:45997; `soma serve` starts a server/)
})
