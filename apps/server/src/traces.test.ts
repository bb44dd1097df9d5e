import { expect, test } from 'vitest'
import { createCollector, createTestServer, testContext } from '../testing/index.ts'
import { notesModule } from '../testing/notes-module.ts'

test('with an OTLP endpoint every operation and handler is a span of the trace of its request; without one nothing is sent', async () => {
  const collector = await createCollector()
  const server = await createTestServer({
    modules: [notesModule],
    settings: { 'server.otlpEndpoint': collector.endpoint },
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
  await collector.close()
  const spans = collector.spans().filter((span) => span.traceId === traceId)
  const [created, handled] = ['notes.notes.create', 'handle note.created'].map((name) =>
    spans.find((span) => span.name === name),
  )
  expect(created?.parentSpanId).toBe('b7ad6b7169203331')
  expect(handled?.parentSpanId).toBe(created?.spanId)
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
