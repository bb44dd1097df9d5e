import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Clients, createClients } from '@soma/sdk/clients'
import { createProject } from 'create-soma'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { runCli, startCli } from '../testing/run-cli.ts'

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const PATIENCE = { timeout: 60_000, interval: 20 }

/** A worker that says when it begins and, for `slow`, waits for the file `go` after a first step that must not be done twice. */
const agentCode = (version: string, graceMs: number) => `
import { appendFileSync, existsSync, watch } from 'node:fs'
import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const reply = { type: 'work.completed', topic: 'action-results', description: 'Done.', data: z.object({ by: z.string() }) } as const
const requested = defineEvent({
  type: 'work.requested',
  topic: 'action-requests',
  description: 'Asks for work.',
  data: z.object({ name: z.string() }),
  response: defineEvent(reply),
})
const untilGo = () =>
  new Promise<void>((resolve) => {
    const watcher = watch('.', () => look())
    const look = () => {
      if (!existsSync('go')) return
      watcher.close()
      resolve()
    }
    look()
  })

export const agent = defineWorker({ name: 'reloaded', description: 'Works.', graceMs: ${graceMs} })
agent.onTask(requested, async (task) => {
  const { name } = task.data
  await task.once('step', () => appendFileSync('steps', \`\${name}\\n\`) ?? null)
  appendFileSync('begun', \`${version} \${name}\\n\`)
  if (name === 'slow') await untilGo()
  task.complete({ by: '${version}' })
})
`

let project: string
let dev: ChildProcess
let clients: Clients
let said: string

beforeEach(() => {
  project = join(mkdtempSync(join(tmpdir(), 'soma-dev-')), 'reloaded')
  createProject({ kind: 'worker', folder: project })
  rmSync(join(project, 'src/agent.test.ts'))
  symlinkSync(MODULES, join(project, 'node_modules'))
})
afterEach(() => {
  dev.kill('SIGKILL')
  rmSync(join(project, '..'), { recursive: true, force: true, maxRetries: 5 })
})

const write = (text: string) => writeFileSync(join(project, 'src/agent.ts'), text)
const linesOf = (name: string) => readFileSync(join(project, name), 'utf8').trimEnd().split('\n')
const until = (check: () => unknown) => vi.waitFor(check, PATIENCE)
const untilSaid = (words: string) => until(() => expect(said).toContain(words))

/** Does something, and waits until `soma dev` has said this of it. */
async function andThen(work: () => void, words: string): Promise<void> {
  said = ''
  work()
  await untilSaid(words)
}

async function startDev(): Promise<void> {
  said = ''
  dev = startCli(['dev', '--port', '0'], { directory: project })
  dev.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await untilSaid('takes work')
  clients = createClients({ url: /http:\/\/\S+/.exec(said)?.[0] as string })
}

const request = (name: string) => {
  const body = { type: 'work.requested', topic: 'action-requests', responseType: 'work.completed', data: { name } }
  return clients.events.events.request({ body: { ...body, timeoutMs: 60_000 } })
}
const untilAway = () =>
  until(async () => {
    const { status } = await clients.registry.agents.get({ params: { name: 'reloaded' } })
    expect(status).toBe('deregistered')
  })

it('runs what a changed file says once the task under way is done, keeps the last good code beside a broken one, and ends whole', async () => {
  write(agentCode('v1', 20_000))
  await startDev()
  const slow = request('slow')
  await until(() => expect(linesOf('begun')).toEqual(['v1 slow']))
  await andThen(() => write(agentCode('v2', 20_000)), 'changed: src/agent.ts')
  await untilAway()
  writeFileSync(join(project, 'go'), '')
  expect(await slow).toMatchObject({ data: { by: 'v1' } })
  expect(await request('one')).toMatchObject({ data: { by: 'v2' } })
  expect(linesOf('begun')).toEqual(['v1 slow', 'v2 one'])

  // A file may be seen half written, and what was said of it may be said again.
  await andThen(() => write('const x = {'), "src/agent.ts(1,12): error TS1005: '}' expected.")
  await untilSaid('the last good code goes on')
  expect(await request('two')).toMatchObject({ data: { by: 'v2' } })

  await andThen(() => write(`${agentCode('v3', 0)}\nthrow new Error('not yet')`), 'Error: not yet')
  await untilSaid('src/main.ts ended with code 1 as it started')
  expect(await request('three')).toMatchObject({ data: { by: 'v2' } })

  await andThen(() => write(agentCode('v4', 20_000)), 'takes work')
  expect(await request('four')).toMatchObject({ data: { by: 'v4' } })

  dev.kill('SIGINT')
  // Closed once nobody holds its streams: no agent is left.
  expect(await once(dev, 'close')).toEqual([130, null])
  expect(readdirSync(join(project, '.soma/dev'))).toEqual([])
}, 180_000)

it('hands a task that outlasts the grace to the changed code, which does no step twice; killed, it leaves no agent', async () => {
  write(agentCode('v1', 100))
  await startDev()
  const slow = request('slow')
  await until(() => expect(linesOf('begun')).toEqual(['v1 slow']))
  write(agentCode('v2', 100))
  await until(() => expect(linesOf('begun')).toEqual(['v1 slow', 'v2 slow']))
  writeFileSync(join(project, 'go'), '')
  expect(await slow).toMatchObject({ data: { by: 'v2' } })
  expect(linesOf('steps')).toEqual(['slow'])
  const { items } = await clients.events.events.list({ query: { type: 'work.completed' } })
  expect(items).toHaveLength(1)

  dev.kill('SIGKILL')
  expect(await once(dev, 'close')).toEqual([null, 'SIGKILL'])
}, 180_000)

it('says what is missing before it starts anything', async () => {
  rmSync(join(project, 'src/main.ts'))
  const nothing = await runCli(['dev'], { directory: project })
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no agent here') })
  writeFileSync(join(project, 'soma.yaml'), 'agents: [src/one.ts, src/agent.ts]')
  const absent = await runCli(['dev'], { directory: project })
  expect(absent).toMatchObject({ code: 2, stderr: expect.stringContaining('src/one.ts') })
  expect(readdirSync(project)).not.toContain('.soma')
}, 60_000)
