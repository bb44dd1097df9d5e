import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { REPOSITORY } from './temporary-tree.ts'
import { readWorkspaces, type Workspace } from './workspaces.ts'

/** Budgets of an install: zod alone is what the SDK asks for today; PGlite is 27 MB of the product. */
const MAX_SDK_PACKAGES = 3
const MAX_PRODUCT_MB = 120

const folder = mkdtempSync(join(tmpdir(), 'soma-packed-'))
const tarballs = join(folder, 'tarballs')
const workspaces = readWorkspaces(REPOSITORY)
const started: ChildProcess[] = []
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(SOMA|SOORMA|VITEST|NODE_OPTIONS|NODE_ENV)/.test(name)),
)

/** Runs a program to its end and gives what it printed; a failure is an error with its output. */
function run(program: string, words: readonly string[], cwd: string): string {
  return execFileSync(program, words, {
    cwd,
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 90_000,
  })
}

/** A package of ours with every one that it needs. */
function closureOf(name: string, found = new Set<string>()): Set<string> {
  const workspace = workspaces.find(({ manifest }) => manifest.name === name)
  if (workspace === undefined || found.has(name)) return found
  found.add(name)
  for (const dependency of Object.keys(workspace.manifest.dependencies ?? {})) closureOf(dependency, found)
  return found
}

const tarballOf = ({ manifest }: Workspace): string =>
  `file:${join(tarballs, `${manifest.name.replace('@', '').replace('/', '-')}-0.1.0.tgz`)}`

/** A folder with the packed packages in it, installed once and all named at once: none of them is in a registry yet. */
function install(name: string): string {
  const root = join(folder, name.replace('/', '-'))
  if (existsSync(root)) return root
  const wanted = closureOf(name)
  const ours = workspaces.filter(({ manifest }) => wanted.has(manifest.name))
  mkdirSync(root)
  const dependencies = Object.fromEntries(ours.map((workspace) => [workspace.manifest.name, tarballOf(workspace)]))
  writeFileSync(join(root, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], root)
  return root
}

/** Folders of installed packages that are not ours. */
function foreignPackages(root: string): string[] {
  const lock = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8')) as { packages: object }
  return Object.keys(lock.packages).filter((path) => !/node_modules\/(@soma\/|create-soma$)/.test(path))
}

function megabytesOf(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0) / 1_000_000
}

/** Starts a server and gives its address once it is ready. */
async function serve(program: readonly string[], data: string): Promise<{ child: ChildProcess; url: string }> {
  const words = [...program, 'serve', '--port', '0', '--data', data]
  const child = spawn(process.execPath, words, { cwd: folder, env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  started.push(child)
  let text = ''
  for await (const chunk of child.stderr.setEncoding('utf8')) {
    text += String(chunk)
    const url = /http:\/\/\S+/.exec(text)?.[0]
    if (url !== undefined && text.includes('Ctrl-C')) return { child, url }
  }
  throw new Error(`the server ended:\n${text}`)
}

async function publish(url: string, event: Readonly<Record<string, unknown>>): Promise<void> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
  const response = await fetch(`${url}/v1/events`, { method: 'POST', headers, body: JSON.stringify(event) })
  expect(response.status, await response.text()).toBe(201)
}

async function endOf(child: ChildProcess): Promise<unknown> {
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return code
}

beforeAll(() => {
  mkdirSync(tarballs)
  const wanted = closureOf('@soma/cli')
  const packed = workspaces.filter(({ manifest }) => wanted.has(manifest.name))
  const words = packed.flatMap((workspace) => ['-w', workspace.folder])
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', tarballs, ...words], REPOSITORY)
})
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

it('serves the page and its modules from dist, without a loader', async () => {
  const { child, url } = await serve([join(REPOSITORY, 'apps/cli/dist/src/main.js')], join(folder, 'dist-data'))
  expect(await (await fetch(url)).text()).toContain('<script type="module">')
  expect((await fetch(`${url}/v1/plans`)).status).toBe(200)
  expect(await endOf(child)).toBe(0)
})

it('installs packed into an empty folder, small, and an agent as in the readme answers there', async () => {
  const product = install('@soma/cli')
  const sdk = install('@soma/sdk')
  const megabytes = megabytesOf(join(product, 'node_modules'))
  console.info(`SDK: ${foreignPackages(sdk).join(', ')} · product: ${megabytes.toFixed(1)} MB`)
  expect(foreignPackages(sdk).length).toBeLessThanOrEqual(MAX_SDK_PACKAGES)
  expect(megabytes).toBeLessThan(MAX_PRODUCT_MB)

  const soma = join(product, 'node_modules/.bin/soma')
  const { child, url } = await serve([soma], join(folder, 'packed-data'))
  const readme = readFileSync(join(sdk, 'node_modules/@soma/sdk/README.md'), 'utf8')
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? expect.unreachable('the readme shows no agent')
  writeFileSync(join(sdk, 'agent.js'), code)
  const agent = spawn(process.execPath, ['agent.js'], {
    cwd: sdk,
    env: { ...environment, SOMA_URL: url },
    stdio: 'inherit',
  })
  started.push(agent)
  const cli = (...words: string[]) => run(process.execPath, [soma, ...words, '--url', url, '--json'], folder)
  cli('events', 'tail', '--type', 'subscription.created', '--from', 'earliest', '--count', '1')
  const asked = {
    type: 'greeting.requested',
    topic: 'action-requests',
    responseType: 'greeting.completed',
    data: { name: 'Ada' },
  }
  await publish(url, asked)
  const answer = cli('events', 'tail', '--type', 'greeting.completed', '--from', 'earliest', '--count', '1')
  expect(JSON.parse(answer)).toMatchObject({ type: 'greeting.completed', data: { text: 'Hello Ada' } })
  expect(await endOf(agent)).toBe(0)
  expect(await endOf(child)).toBe(0)
})

it('writes projects of every kind that compile and pass their own tests against the packed SDK', () => {
  const soma = join(install('@soma/cli'), 'node_modules/.bin/soma')
  const packed = join(install('@soma/sdk'), 'node_modules')
  const root = join(folder, 'written')
  const modules = join(root, 'node_modules')
  mkdirSync(modules, { recursive: true })
  for (const name of ['@soma', 'zod']) symlinkSync(join(packed, name), join(modules, name))
  for (const name of ['@types', 'typescript', '.bin']) {
    symlinkSync(join(REPOSITORY, 'node_modules', name), join(modules, name))
  }
  for (const kind of ['tool', 'worker', 'planner', 'choreography']) {
    run(process.execPath, [soma, 'new', kind, `my-${kind}`], root)
    expect(run('npm', ['test'], join(root, `my-${kind}`)), kind).toMatch(/[#ℹ] fail 0/)
  }
})
