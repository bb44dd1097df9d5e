import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { createTestServer, testContext } from '../testing/index.ts'
import { notesModule } from '../testing/notes-module.ts'

test('with an OTLP endpoint every operation and handler is a span of the trace of its request; without one nothing is sent', async () => {
  const bodies: string[] = []
  const collector = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(body)
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const { port } = collector.address() as { port: number }
  const server = await createTestServer({
    modules: [notesModule],
    settings: { 'server.otlpEndpoint': `http://127.0.0.1:${port}/v1/traces` },
  })
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  await fetch(`${server.url}/v1/notes`, {
    method: 'POST',
    headers: {
      ...server.headersOf(testContext()),
      'content-type': 'application/json',
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    },
    body: JSON.stringify({ text: 'traced' }),
  })
  await echoed(server)
  await server.stop()
  collector.close()
  const spans = bodies.flatMap((body) =>
    JSON.parse(body).resourceSpans.flatMap(
      (resource: { scopeSpans: { spans: { name: string; traceId: string }[] }[] }) =>
        resource.scopeSpans.flatMap((scope) => scope.spans),
    ),
  )
  const names = spans
    .filter((span: { traceId: string }) => span.traceId === traceId)
    .map((span: { name: string }) => span.name)
  expect(names).toEqual(expect.arrayContaining(['notes.notes.create', 'handle note.created']))
})

/** Waits until the module has handled its own event. */
async function echoed(server: Awaited<ReturnType<typeof createTestServer>>): Promise<void> {
  await expect
    .poll(
      async () =>
        (
          await server.database.transaction({ role: 'soma_worker', tenantId: 'tenant-a' }, (session) =>
            session.query('select 1 from notes.echoes'),
          )
        ).length,
    )
    .toBe(1)
}
