import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { silentLogger } from '@soma/kernel'
import { createClients } from '@soma/sdk/clients'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../homes/home.ts'

const GUIDE = new URL('../../docs/guides/push.md', import.meta.url)
const directory = mkdtempSync(join(tmpdir(), 'soma-push-'))
const LANGUAGES = ['python', 'typescript'] as const
type Language = (typeof LANGUAGES)[number]
const COMMANDS: Readonly<Record<Language, readonly string[]>> = {
  python: ['python3', 'receiver.py'],
  typescript: [process.execPath, '--import', import.meta.resolve('tsx'), 'receiver.ts'],
}
const receivers = new Map<Language, ChildProcess>()
const ports = new Map<Language, number>()
const subscriptions = new Map<Language, string>()
const secrets: string[] = []
let url: string
let server: RunningServer

const clients = () => createClients({ url }).events
const hookOf = (language: Language) => `http://127.0.0.1:${ports.get(language)}/hooks`
const writeSecrets = () => writeFileSync(join(directory, 'push.secret'), secrets.join('\n'))

async function receive(language: Language): Promise<void> {
  const [command = '', ...rest] = COMMANDS[language]
  const options = { cwd: directory, stdio: ['ignore', 'ignore', 'ignore'] as ['ignore', 'ignore', 'ignore'] }
  receivers.set(language, spawn(command, [...rest, String(ports.get(language))], options))
  const asks = () => fetch(hookOf(language), { method: 'OPTIONS' }).catch(() => undefined)
  while ((await asks()) === undefined) await pause(50)
}

async function kill(language: Language): Promise<void> {
  const child = receivers.get(language) as ChildProcess
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

const publish = async (amount: number): Promise<string> => {
  const body = { type: 'order.placed', topic: 'business-facts', data: { amount } }
  return (await clients().events.publish({ body })).eventId
}

const linesOf = (language: Language): string[][] => {
  const path = join(directory, `${language}.handled`)
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines.map((line) => line.split(' '))
}

/** Waits until every receiver has handled what was published; the time of the test bounds it. */
async function untilHandled(eventIds: readonly string[]): Promise<void> {
  for (const language of LANGUAGES) {
    while (linesOf(language).length < eventIds.length) await pause(50)
    expect(linesOf(language).map(([, id]) => id)).toEqual(eventIds)
  }
}

/** A post as the server signs it. */
function postTo(language: Language, id: string, { ageS = 0, secret = secrets[0] ?? '' } = {}): Promise<Response> {
  const body = '{"id": "evt_1", "data": {}}'
  const moment = String(Math.floor(Date.now() / 1000) - ageS)
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${moment}.${body}`).digest('base64')
  const headers = { 'webhook-id': id, 'webhook-timestamp': moment, 'webhook-signature': `v1,${signature}` }
  return fetch(hookOf(language), { method: 'POST', headers, body })
}

beforeAll(async () => {
  const guide = readFileSync(GUIDE, 'utf8')
  for (const [fence, file] of [
    ['python', 'receiver.py'],
    ['ts', 'receiver.ts'],
  ] as const) {
    const code = new RegExp(`\`\`\`${fence}\\n([\\s\\S]*?)\`\`\``).exec(guide)?.[1]
    writeFileSync(join(directory, file), code ?? '')
  }
  writeFileSync(join(directory, 'package.json'), '{"type": "module"}')
  const [port = 0, ...free] = await freePorts(3)
  for (const [index, language] of LANGUAGES.entries()) ports.set(language, free[index] as number)
  url = `http://127.0.0.1:${port}`
  server = await startServer({
    platform: somaPlatform,
    log: silentLogger,
    sources: {
      flags: { mode: 'developer-light', 'server.port': port, 'server.dataDirectory': 'memory' },
    },
  })
  await createClients({ url }).registry.events.create({
    body: {
      ...{ type: 'order.placed', topic: 'business-facts', description: 'An order was placed.' },
      schema: { jsonSchema: { type: 'object' } },
    },
  })
  await Promise.all(LANGUAGES.map(receive))
}, 60_000)
afterAll(async () => {
  for (const language of receivers.keys()) await kill(language)
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
}, 60_000)

test('the receivers of the guide handle every event once, over a kill and a rotation, and take nothing that is forged, old or repeated', async () => {
  for (const language of LANGUAGES) {
    const body = {
      ...{ name: language, topics: ['business-facts'], types: ['order.placed'] },
      push: { url: hookOf(language) },
    }
    const { id, push } = await clients().subscriptions.create({ body })
    subscriptions.set(language, id)
    secrets.push(push?.secret as string)
  }
  writeSecrets()
  const published = [await publish(1), await publish(2)]
  await untilHandled(published)

  for (const language of LANGUAGES) {
    const [first = []] = linesOf(language)
    expect((await postTo(language, first[0] ?? '')).status).toBe(204)
    expect((await postTo(language, 'dlv_1', { ageS: 400 })).status).toBe(401)
    expect((await postTo(language, 'dlv_1', { secret: 'whsec_AAAA' })).status).toBe(401)
    expect((await fetch(hookOf(language), { method: 'POST', body: '{}' })).status).toBe(401)
  }
  await untilHandled(published)

  // The old secrets still verify: the overlap is a day.
  for (const subscriptionId of subscriptions.values())
    await clients().subscriptions.rotateSecret({ params: { subscriptionId }, body: {} })
  await Promise.all(LANGUAGES.map(kill))
  published.push(await publish(3))
  for (const subscriptionId of subscriptions.values()) {
    const waiting = async () => (await clients().deliveries.list({ params: { subscriptionId }, query: {} })).items
    await expect.poll(waiting, { timeout: 10_000 }).toMatchObject([{ state: 'retrying' }])
  }
  await Promise.all(LANGUAGES.map(receive))
  await untilHandled(published)
}, 90_000)
