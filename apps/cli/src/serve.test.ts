import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClients } from '@soma/sdk/clients'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli, startCli, untilText } from '../testing/run-cli.ts'

/** Default of `events.drainMs` where developers run it. */
const DRAIN_MS = 5_000
/** What a timer may be late on a busy machine. */
const TIMER_MS = 1_000

const directory = mkdtempSync(join(tmpdir(), 'soma-serve-'))
const started: ChildProcess[] = []
let url = ''

async function serveHere(port: string): Promise<{ child: ChildProcess; stderr: string }> {
  const child = startCli(['serve', '--port', port], { directory })
  started.push(child)
  return { child, stderr: await untilText(child.stderr, 'Ctrl-C') }
}
async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  child.kill(signal)
  const [code] = await once(child, 'close')
  return code
}

beforeAll(async () => {
  const { stderr } = await serveHere('0')
  url = /http:\/\/\S+/.exec(stderr)?.[0] ?? expect.unreachable(stderr)
}, 60_000)
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

it('finds the server of its folder by .soma/server.json, which is private', async () => {
  const ran = await runCli(['status', '--json'], { directory })
  expect(ran).toMatchObject({ code: 0 })
  expect(JSON.parse(ran.stdout)).toMatchObject({ url, parts: [{ name: 'server', led: 'green' }, {}, {}, {}, {}] })
  const address = JSON.parse(readFileSync(join(directory, '.soma/server.json'), 'utf8')) as { pid: number }
  expect(address.pid).toBe(started[0]?.pid)
})

it('refuses a second server on the same data and names the process of the first', async () => {
  const second = await runCli(['serve', '--port', '0'], { directory })
  expect(second.code).not.toBe(0)
  expect(second.stderr).toMatch(new RegExp(`process ${started[0]?.pid} since \\d{4}-`))
}, 60_000)

it('refuses unknown modules by name before anything starts', async () => {
  const unknown = await runCli(['serve', '--modules', 'plan'], { directory })
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no module "plan"') })
})

it('follows a plan over a kill -9 and a restart: each event once, and the exit code is the plan’s', async () => {
  const clients = createClients({ url })
  const goal = { type: 'cli.requested', data: {} }
  const { planId } = await clients.plans.plans.create({ body: { title: 'A plan', goal } })
  const watch = startCli(['plans', 'watch', planId, '--json'], { directory })
  const printed: string[] = []
  watch.stdout.setEncoding('utf8').on('data', (text: string) => printed.push(text))
  const lost = untilText(watch.stderr, 'the connection was lost')
  await untilText(watch.stdout, 'plan.created')

  await end(started[0] as ChildProcess, 'SIGKILL')
  await lost
  await serveHere(new URL(url).port)
  await clients.plans.plans.cancel({ params: { planId }, body: { reason: 'seen enough' } })

  const [code] = await once(watch, 'close')
  const types = printed
    .join('')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type)
  expect({ code, types }).toEqual({ code: 1, types: ['plan.created', 'plan.cancelled'] })
}, 90_000)

it('EVT-R57 ends on SIGTERM with 0 within events.drainMs though a request does not end, and takes its address away', async () => {
  const half = connect(Number(new URL(url).port), '127.0.0.1')
  half.on('error', () => undefined)
  half.write('POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
  // Whoever is answered now has come after it.
  await fetch(`${url}/ready`)
  const stoppedAt = performance.now()
  expect(await end(started.at(-1) as ChildProcess, 'SIGTERM')).toBe(0)
  expect(performance.now() - stoppedAt).toBeLessThan(DRAIN_MS + TIMER_MS)
  expect(() => readFileSync(join(directory, '.soma/server.json'))).toThrow('ENOENT')
}, 60_000)
