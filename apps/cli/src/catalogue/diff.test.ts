import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClients } from '@soma/sdk/clients'
import type { RunningServer } from '@soma/server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLiveServer } from '../../testing/live-server.ts'
import { runCli } from '../../testing/run-cli.ts'

const directory = mkdtempSync(join(tmpdir(), 'soma-diff-'))
/** Nothing listens there: what needs a server fails. */
const offline = { directory, environment: { SOMA_URL: 'http://127.0.0.1:45997' } }
let server: RunningServer

const git = (...words: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...words], { cwd: directory })
const write = (version: string, properties: object, major = 1) =>
  writeFileSync(
    join(directory, `schemas/events/order.placed.v${major}.json`),
    JSON.stringify({ $id: `https://example.org/order.placed/${version}`, type: 'object', properties }),
  )
const amount = { type: 'integer' }

beforeAll(async () => {
  server = await startLiveServer()
  mkdirSync(join(directory, 'schemas/events'), { recursive: true })
  write('1.2.0', { amount, note: { type: 'string' } })
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('commit', '-qm', 'first')
}, 60_000)
afterAll(async () => {
  await server?.stop()
  rmSync(directory, { recursive: true, force: true })
})

it('REG-R20 REG-A4 compares schema files with a git state without a server: a field that is gone exits 9 with the report, an optional one that is new passes', async () => {
  const check = (...words: string[]) => runCli(['registry', 'check', ...words, '--json'], offline)
  expect(await check()).toMatchObject({ code: 0, stderr: '' })
  write('1.3.0', { amount, note: { type: 'string' }, colour: { type: 'string' } })
  expect(await check('--base', 'main')).toMatchObject({ code: 0, stderr: '' })

  write('1.3.0', { amount })
  const [hook, ci] = await Promise.all([
    check(),
    runCli(['schemas', 'diff', 'main:schemas/events', 'schemas/events', '--json'], offline),
  ])
  expect(hook.code).toBe(9)
  expect(JSON.parse(hook.stdout)).toMatchObject({
    isBreaking: true,
    differences: [
      {
        ...{ what: 'schema order.placed.v1', from: '1.2.0', to: '1.3.0', needs: '2.0.0', isBreaking: true },
        changes: [{ pointer: '/properties/note', change: 'property-removed' }],
      },
    ],
  })
  expect(hook.stderr).toContain('call it 2.0.0')
  expect({ code: ci.code, stdout: ci.stdout }).toEqual({ code: 9, stdout: hook.stdout })

  write('1.2.0', { amount, note: { type: 'string' } })
  write('2.0.0', { amount }, 2)
  expect(await check()).toMatchObject({ code: 0, stderr: '' })
}, 60_000)

it('REG-R20 compares schema files with what a running registry has, by type and major version', async () => {
  const { registry } = createClients({ url: server.url })
  const define = (version: string, properties: object) =>
    registry.events.create({
      body: {
        ...{ type: 'order.placed', topic: 'business-facts', version, description: 'An order was placed.' },
        schema: { jsonSchema: { type: 'object', properties } },
      },
    })
  await define('1.2.0', { amount, note: { type: 'string' } })
  await define('2.0.0', { amount })
  const check = () => runCli(['registry', 'check', '--base', server.url], offline)
  expect(await check()).toMatchObject({ code: 0 })
  write('2.1.0', { amount: { type: 'string' } }, 2)
  const broken = await check()
  expect(broken).toMatchObject({ code: 9, stderr: expect.stringContaining('order.placed.v2 2.1.0 breaks') })
  expect(broken.stdout).toContain('yes\tschema order.placed.v2\t2.0.0\t2.1.0\tmajor\t3.0.0\t/properties/amount/type')
}, 60_000)

it('compares two installations, and a file of ours with one: what is only new breaks nobody', async () => {
  const file = new URL('../../../../tools/contract-baseline.json', import.meta.url).pathname
  const added = await runCli(['schemas', 'diff', file, server.url, '--json'], offline)
  expect(added, added.stderr).toMatchObject({ code: 0 })
  const gone = await runCli(['schemas', 'diff', server.url, file], offline)
  expect(gone).toMatchObject({
    code: 9,
    stderr: expect.stringContaining('event order.placed on business-facts is gone'),
  })
}, 60_000)

it.each([
  [['schemas', 'diff', 'nowhere', 'nowhere'], 'nowhere is no file, folder, URL or git state'],
  [['registry', 'check', '--base', '--help-me'], 'git'],
  [['schemas', 'diff', 'schemas/events', 'package.json'], 'package.json is no file'],
])('says what is wrong with %j and exits 2', async (words, why) => {
  expect(await runCli(words, offline)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(why) })
})

it('checks one schema against another without a server', async () => {
  const check = (...words: string[]) => runCli(['schemas', 'check', ...words], offline)
  const [narrowed, widened] = await Promise.all([
    check('{"enum":["a"]}', '--old', '{"enum":["a","b"]}'),
    check('{"enum":["a","b"]}', '--old', '{"enum":["a"]}', '--kind', 'request'),
  ])
  expect(narrowed).toMatchObject({ code: 9, stderr: expect.stringContaining('a major change') })
  expect(narrowed.stdout).toContain('major\tenum-value-removed\t/enum')
  expect(widened).toMatchObject({ code: 0, stderr: '' })
})
