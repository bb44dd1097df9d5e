import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { checkDataDirectory } from './data-directory.ts'
import { checkNode } from './node-version.ts'
import { checkPort } from './port.ts'
import { checkServer, clockSkew } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-doctor-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function dataDirectory(name: string, files: Readonly<Record<string, string>> = {}): string {
  const directory = join(folder, name)
  mkdirSync(directory)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text, { mode: 0o600 })
  return directory
}

const finding = async (directory: string, check: string) =>
  (await checkDataDirectory(directory)).find((each) => each.check === check)

it('fails on a Node that is too old', () => {
  expect(checkNode('20.18.9')).toMatchObject({ state: 'fail', remedy: expect.stringContaining('20.19') })
  expect(checkNode('20.19.0').state).toBe('ok')
  expect(checkNode('24.0.0').state).toBe('ok')
})

it('finds a data directory that is not there yet well, by the folder it will be made in', async () => {
  const missing = join(folder, 'not', 'yet')
  expect(await finding(missing, 'data directory')).toMatchObject({ state: 'ok', found: `${missing} will be made` })
  expect(await finding(missing, 'lock')).toMatchObject({ state: 'ok' })
})

it('fails where the folder is a file', async () => {
  const path = join(folder, 'a-file')
  writeFileSync(path, '')
  expect(await finding(join(path, 'data'), 'data directory')).toMatchObject({ state: 'fail' })
})

it('tells a stale lock from one that is held', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  const stale = dataDirectory('stale', { 'database.lock': JSON.stringify({ pid: child.pid }) })
  expect(await finding(stale, 'lock')).toMatchObject({
    state: 'warn',
    found: `stale lock: process ${child.pid} is gone`,
    remedy: expect.stringContaining('the next start takes it over'),
  })
  const held = dataDirectory('held', { 'database.lock': JSON.stringify({ pid: process.pid }) })
  expect(await finding(held, 'lock')).toMatchObject({ state: 'ok', found: `process ${process.pid} holds the data` })
  expect(await finding(dataDirectory('empty', { 'database.lock': '' }), 'lock')).toMatchObject({ state: 'warn' })
})

it('fails where others can read the address file', async () => {
  const directory = dataDirectory('open', { 'server.json': '{}' })
  expect(await finding(directory, 'privacy')).toMatchObject({ state: 'ok' })
  chmodSync(join(directory, 'server.json'), 0o644)
  expect(await finding(directory, 'privacy')).toMatchObject({ state: 'fail', found: expect.stringContaining('644') })
})

it('fails on a port that another program has, unless it is the server of this folder', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  expect(await checkPort(port, dataDirectory('port'))).toMatchObject({ state: 'fail', remedy: expect.anything() })
  const address = JSON.stringify({ url: `http://127.0.0.1:${port}`, pid: process.pid })
  expect(await checkPort(port, dataDirectory('ours', { 'server.json': address }))).toMatchObject({ state: 'ok' })
  other.close()
  await once(other, 'close')
  expect(await checkPort(port, dataDirectory('free'))).toMatchObject({ state: 'ok' })
})

it('warns of a clock that is some seconds off and fails on one whose tokens would be refused', () => {
  const now = Date.parse('2026-01-31T12:00:00Z')
  const skewOf = (seconds: number) => clockSkew(new Date(now - seconds * 1000).toUTCString(), now)[0]
  expect(skewOf(1)).toMatchObject({ state: 'ok' })
  expect(skewOf(10)).toMatchObject({ state: 'warn', found: '10 s ahead of the server' })
  expect(skewOf(-600)).toMatchObject({ state: 'fail', found: '600 s behind the server' })
})

it('fails on a server that was named and does not answer, warns of one that nobody named', async () => {
  const absent = { url: 'http://h', get: () => Promise.reject(new Error('refused')) } as never
  expect(await checkServer(absent, { isNamed: true })).toMatchObject([{ state: 'fail' }])
  expect(await checkServer(absent, { isNamed: false })).toMatchObject([{ state: 'warn' }])
})

it('names the parts of a server that is not ready', async () => {
  const body = JSON.stringify({ checks: [{ name: 'database', ok: false, detail: 'gone' }] })
  const get = async () => new Response(body, { status: 503 })
  expect(await checkServer({ url: 'http://h', get } as never, { isNamed: false })).toMatchObject([
    { state: 'fail', found: 'http://h is not ready (database: gone)' },
  ])
})
