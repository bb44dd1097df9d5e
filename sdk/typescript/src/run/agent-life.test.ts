import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClients } from '../clients/index.ts'

const NOBODY = 'http://127.0.0.1:9'
const PROGRAM = `
  import { defineAgent } from '@soma/sdk'
  const agent = defineAgent({ name: 'brief', description: 'Lives briefly.' })
  agent.onEvent('*', 'business-facts', () => undefined)
  if (process.env.SIGNALLED === 'yes') agent.onStartup(() => void process.kill(process.pid, 'SIGTERM'))
  await agent.run()`

let server: RunningServer
beforeAll(async () => {
  const place = { 'server.port': 0, 'server.dataDirectory': 'memory', 'server.logLevel': 'silent' }
  server = await startServer({ platform: somaPlatform, sources: { flags: { mode: 'developer-light', ...place } } })
}, 60_000)
afterAll(() => server?.stop(), 60_000)

/** An agent as a process of its own. */
const anAgent = (environment: Readonly<Record<string, string>>): ChildProcess =>
  spawn(
    process.execPath,
    ['--conditions=@soma/source', '--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', PROGRAM],
    { cwd: import.meta.dirname, env: environment, stdio: ['ignore', 'inherit', 'pipe'] },
  )

async function linesUntil(stream: Readable, wanted: string): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (text.includes(wanted)) return text
  }
  throw new Error(`no "${wanted}" in:\n${text}`)
}

it('says that its platform does not answer, waits for it, and ends with 0 at a signal', async () => {
  const agent = anAgent({ SOMA_URL: NOBODY })
  const said = await linesUntil(agent.stderr as Readable, 'the platform does not answer yet')
  expect(said).toContain(`no connection to ${NOBODY}`)
  agent.kill('SIGTERM')
  expect(await once(agent, 'exit')).toEqual([0, null])
}, 60_000)

it('leaves the registry when a signal comes while it starts', async () => {
  const agent = anAgent({ SOMA_URL: server.url, SIGNALLED: 'yes' })
  expect(await once(agent, 'exit')).toEqual([0, null])
  const { registry } = createClients({ url: server.url })
  expect(await registry.agents.get({ params: { name: 'brief' } })).toMatchObject({ status: 'deregistered' })
}, 60_000)
