import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { createClients } from '@soma/sdk/clients'
import { afterEach, expect, test } from 'vitest'
import { type Cluster, startCluster } from './cluster.ts'

const FIXTURE = new URL('../../examples/14-docs-truth/fixtures/planted-lies/', import.meta.url)
/** The seed decides which process is killed when; a failure prints it. */
const SEED = Number(process.env.SEED ?? Date.now() % 100_000)

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function freshDatabase(): Promise<string> {
  const given = process.env.DATABASE_URL
  if (given === undefined) throw new Error('DATABASE_URL is missing: run npm run test:servers')
  const name = `soma_${process.pid}_${cleanups.length}_${Date.now()}`
  const admin = new Client({ connectionString: given })
  await admin.connect()
  await admin.query(`create database ${name}`)
  cleanups.push(async () => {
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  })
  const url = new URL(given)
  url.pathname = `/${name}`
  return url.href
}

async function aProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soma-project-'))
  await cp(FIXTURE, folder, { recursive: true })
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs the job once; `disturb` is called as soon as the plan is there. Answers the written files. */
async function runJob(cluster: Cluster, disturb: () => Promise<void>): Promise<Record<string, string>> {
  const [folder, data] = [await aProject(), await mkdtemp(join(tmpdir(), 'soma-agents-'))]
  cleanups.push(() => rm(data, { recursive: true, force: true }))
  const demo = cluster.run(['demo', folder, '--data', data])
  const lines = createInterface({ input: demo.stdout as NodeJS.ReadableStream })
  for await (const line of lines) {
    if (line.startsWith('Plan')) await disturb()
    if (line.startsWith('Found')) await approve(cluster)
    if (line.startsWith('Done')) break
    if (line.startsWith('Ended')) throw new Error(line)
  }
  const report = join(folder, 'soma-report')
  const names = (await readdir(report)).sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(report, name), 'utf8')])),
  )
}

async function approve(cluster: Cluster): Promise<void> {
  const clients = createClients({ url: cluster.urls.governance as string })
  for (const gate of (await clients.governance.gates.list({ query: { status: 'open' } })).items) {
    await clients.governance.gates.decide({
      params: { gateId: gate.gateId },
      body: { decision: 'approve', payloadHash: gate.payloadHash },
    })
  }
}

test('the job runs with every module in a process of its own on native Postgres, and again while one of them is killed and started', async () => {
  const cluster = await startCluster({
    databaseUrl: await freshDatabase(),
    dataDirectory: await mkdtemp(join(tmpdir(), 'soma-cluster-')),
  })
  cleanups.push(() => cluster.stop())
  const undisturbed = await runJob(cluster, async () => {})
  expect(Object.keys(undisturbed)).toEqual(['fixes.patch', 'report.json', 'report.md'])
  let seed = SEED
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed / 2 ** 31
  }
  for (let round = 0; round < 3; round++) {
    const victim = cluster.modules[Math.floor(random() * cluster.modules.length)] as string
    const delayMs = Math.floor(random() * 2_000)
    const files = await runJob(cluster, async () => {
      await new Promise((resolve) => setTimeout(resolve, delayMs))
      await cluster.kill(victim)
      await cluster.start(victim)
    })
    expect(files, `seed ${SEED}: ${victim} killed after ${delayMs} ms`).toEqual(undisturbed)
  }
}, 300_000)
