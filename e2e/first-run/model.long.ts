import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createFirstRun, decide, type FirstRun, openGate, planEnd, withRun } from './harness.ts'

let server: Server | undefined
afterEach(() => void server?.close())

/** A local server that speaks the OpenAI protocol and always answers the same. */
async function aModel(content: string): Promise<{ url: string; requests: () => number }> {
  let count = 0
  server = createServer((request, response) => {
    count += request.url === '/v1/chat/completions' ? 1 : 0
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests: () => count }
}

async function reportWith(run: FirstRun, url: string) {
  const started = await run.start(['--model', url])
  const gate = await openGate(started)
  expect(gate.payload).toMatchObject({ model: url })
  await decide(started)
  expect((await planEnd(started)).type).toBe('plan.completed')
  expect(started.process.stdout()).toContain(`Model     ${url}`)
  return readFileSync(join(run.folder, 'soma-report', 'report.md'), 'utf8')
}

const suspects = JSON.stringify({
  suspects: [{ quote: 'Parcels arrive before noon', reason: 'The sources print numbers.' }],
})

test('--model reads the prose with an OpenAI-compatible server; terminal, gate and report name it', () =>
  withRun(createFirstRun(), async (run) => {
    const model = await aModel(suspects)
    const report = await reportWith(run, model.url)
    expect(model.requests()).toBeGreaterThan(0)
    expect(report).toContain(model.url)
    expect(report).toContain('The sources print numbers.')
  }))

test('a model that answers nonsense is left out by name, and the report is written', () =>
  withRun(createFirstRun(), async (run) => {
    const report = await reportWith(run, (await aModel('I am a teapot.')).url)
    expect(report).toContain('the model answered something else than the JSON it was asked for')
  }))

test('a model that is away is left out by name, and the report is written', () =>
  withRun(createFirstRun(), async (run) => {
    const { url } = await aModel('')
    server?.close()
    expect(await reportWith(run, url)).toContain('the model could not be reached')
  }))
