import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClients } from '@soma/sdk/clients'
import { createProject } from 'create-soma'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runCli } from '../testing/run-cli.ts'
import { isAlive } from './connection.ts'

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

let project: string
beforeEach(() => {
  project = join(mkdtempSync(join(tmpdir(), 'soma-dev-')), 'behind')
  createProject({ kind: 'worker', folder: project })
  symlinkSync(MODULES, join(project, 'node_modules'))
})
afterEach(async () => {
  await dev('--stop')
  rmSync(join(project, '..'), { recursive: true, force: true, maxRetries: 5 })
}, 90_000)

const dev = (...words: string[]) => runCli(['dev', '--json', ...words], { directory: project })
const kept = (name: string) => existsSync(join(project, '.soma', name))

it('runs in the background until it is stopped: one at a time, seen by status, told by its log, cleaned when asked', async () => {
  expect(await dev('--status')).toMatchObject({ code: 8, stdout: '' })
  const started = await dev('--start', '--port', '0')
  expect(started).toMatchObject({ code: 0 })
  const { url, pid } = JSON.parse(started.stdout) as { url: string; pid: number }
  const { registry } = createClients({ url })
  const agents = async () => (await registry.agents.list()).items.map(({ name, status }) => ({ name, status }))
  await expect.poll(agents, { timeout: 60_000 }).toEqual([{ name: 'behind', status: 'live' }])
  expect(JSON.parse((await dev('--status')).stdout)).toMatchObject({ url, pid, log: join('.soma', 'dev.log') })
  const second = await dev('--start')
  expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(`pid ${pid}, since 20`) })

  const follower = dev('--logs')
  expect(await dev('--stop', '--clean')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
  expect(isAlive(pid)).toBe(true)
  expect(await dev('--stop')).toMatchObject({ code: 0, stderr: expect.stringContaining(`stopped pid ${pid}`) })
  expect(isAlive(pid)).toBe(false)
  expect(await follower).toMatchObject({ code: 0, stdout: expect.stringContaining('takes work') })

  expect([kept('database'), kept('encryption.key')]).toEqual([true, true])
  writeFileSync(join(project, '.soma/mine'), '')
  expect(await dev('--stop', '--clean', '--yes')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('no server'),
  })
  expect([kept('database'), kept('encryption.key'), kept('mine')]).toEqual([false, false, true])
}, 180_000)

it('ends no other program that has the pid of a server that was killed', async () => {
  mkdirSync(join(project, '.soma'))
  const left = { url: 'http://127.0.0.1:9', pid: process.pid, startedAt: new Date().toISOString(), mode: 'test' }
  writeFileSync(join(project, '.soma/server.json'), JSON.stringify(left))
  let ended = false
  const onEnd = () => void (ended = true)
  process.once('SIGTERM', onEnd)
  expect(await dev('--status')).toMatchObject({ code: 8 })
  expect(await dev('--stop')).toMatchObject({ code: 0, stderr: expect.stringContaining('no server runs here') })
  process.off('SIGTERM', onEnd)
  expect(ended).toBe(false)
}, 60_000)

it('says why it did not start, and what is not said together', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const refused = await dev('--start', '--port', String(port))
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`port ${port} is taken`) })
  taken.close()
  expect(await dev('--start', '--stop')).toMatchObject({ code: 2 })
  expect(await dev('--clean')).toMatchObject({ code: 2, stderr: expect.stringContaining('--clean goes with --stop') })
}, 120_000)
