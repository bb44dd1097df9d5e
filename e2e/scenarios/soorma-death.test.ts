import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { freePorts } from '../homes/home.ts'
import { onboard, openStream } from '../soorma/client.ts'

const SCRIPT = fileURLToPath(new URL('../soorma/server-process.ts', import.meta.url))
const COLD_START = fileURLToPath(new URL('../soorma/cold-start.ts', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'soma-soorma-'))
const processes: ChildProcess[] = []
afterAll(() => {
  for (const child of processes) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** A server; by default on the directory of the test. */
async function aServer(port: number, data = directory) {
  const settings = { mode: 'test', 'server.port': port, 'server.dataDirectory': data, 'server.graceMs': 3000 }
  const words = ['--conditions=@soma/source', '--import', import.meta.resolve('tsx'), SCRIPT, JSON.stringify(settings)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  processes.push(child)
  const exited = once(child, 'exit')
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    url,
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

test('SOO-R11 SOO-A5 every event that was answered 200 comes after the server is killed under load, and once, however often it was published', async () => {
  const [port = 0] = await freePorts(1)
  const first = await aServer(port)
  const acme = await onboard(`${first.url}/soorma`)
  const query = 'topics=business-facts&agent_id=reader-1&agent_name=reader&durable=true'
  const before = await openStream(acme, query)
  before.close()

  const answered: string[] = []
  const eventOf = (id: string) => ({
    ...{ id, source: 'caller', type: 'order.placed', topic: 'business-facts', data: { id } },
    ...{ tenant_id: acme.tenantId, user_id: 'alice' },
  })
  let isKilled = false
  const publishing = Array.from({ length: 4 }, async (_, lane) => {
    for (let index = 0; !isKilled; index += 1) {
      const id = `lane-${lane}-${index}`
      const { status } = await acme.publish(eventOf(id)).catch(() => ({ status: 0 }))
      if (status === 200) answered.push(id)
    }
  })
  await expect.poll(() => answered.length, { timeout: 30_000 }).toBeGreaterThan(100)
  await first.kill()
  isKilled = true
  await Promise.all(publishing)

  const second = await aServer(port)
  const again = answered.slice(-20)
  for (const id of again) expect((await acme.publish(eventOf(id))).status).toBe(200)
  const after = await openStream(acme, query)
  const idsOf = () => after.messages().map(({ id }) => String(id))
  await expect.poll(() => answered.filter((id) => !idsOf().includes(id)), { timeout: 30_000 }).toEqual([])
  for (const id of again) expect(idsOf().filter((other) => other === id)).toHaveLength(1)
  after.close()
  await second.kill()
}, 120_000)

test('SOO-A9 two processes of one example that start at once on an empty server are of one tenant', async () => {
  const [port = 0] = await freePorts(1)
  const server = await aServer(port, 'memory')
  const words = ['--conditions=@soma/source', '--import', import.meta.resolve('tsx'), COLD_START]
  const boot = (reference: string) =>
    promisify(execFile)(process.execPath, [...words, `${server.url}/soorma`, reference], { timeout: 60_000 })
  const tenants = (await Promise.all([boot('hello-world'), boot('hello-world'), boot('other')])).map(
    ({ stdout }) => stdout,
  )
  expect(tenants[0]).toMatch(/^ten_/)
  expect(tenants[1]).toBe(tenants[0])
  expect(tenants[2]).not.toBe(tenants[0])
  await server.kill()
}, 120_000)
