/** A request, its worker and the reply through the whole platform at 100 a second: the worker by direct calls, or by HTTP. */
import { createHttpTransport, buildBoundClient } from '@soma/kernel'
import { eventsContract } from '@soma/events/contract'
import { defineEvent, defineWorker } from '@soma/sdk'
import { somaPlatform } from '@soma/server'
import { createTestServer, testContext } from '@soma/server/testing'
import * as z from 'zod'
import { atRate, median, percentile, printFigure, rounds } from './figures.ts'
import { type Store, stores } from './stores.ts'

const ROUNDS = 3
const SECONDS = 3
const GOAL_MS = { 'in process': 4, remote: 15 }

const squared = defineEvent({
  type: 'number.squared',
  topic: 'action-results',
  description: 'A square.',
  data: z.strictObject({ square: z.number() }),
})
const squareRequested = defineEvent({
  type: 'number.square.requested',
  topic: 'action-requests',
  description: 'Square a number.',
  data: z.strictObject({ value: z.number() }),
  response: squared,
})

for (const store of stores()) for (const way of ['in process', 'remote'] as const) await measure(store, way)

async function measure(store: Store, way: keyof typeof GOAL_MS): Promise<void> {
  const { database, settings } = await store.open()
  const server = await createTestServer({
    database,
    modules: somaPlatform.modules,
    portsOf: (bindings) => somaPlatform.portsOf(bindings),
    settings: { 'events.quotaEventsPerSecond': 1_000_000, ...settings },
  })
  const headers = server.headersOf(testContext({ kind: 'agent', principalId: 'squarer' }))
  const worker = defineWorker({ name: 'squarer', description: 'Squares numbers.', concurrency: 100 })
  worker.onTask(squareRequested, (task) => task.complete({ square: task.data.value ** 2 }))
  const running = await worker.start(way === 'remote' ? { url: server.url, headers } : { platform: server, headers })
  const caller = testContext()
  const client =
    way === 'remote'
      ? buildBoundClient(
          eventsContract,
          createHttpTransport({ url: server.url, headers: () => server.headersOf(caller), fetch }),
        )
      : buildBoundClient(eventsContract, (request) => server.transport({ ...request, context: caller }))
  const times = () =>
    atRate(100, SECONDS, async (value) => {
      const startedAt = performance.now()
      await client.events.request({
        body: {
          topic: 'action-requests',
          type: squareRequested.type,
          data: { value },
          responseType: squared.type,
          timeoutMs: 30_000,
        },
      })
      return performance.now() - startedAt
    })
  await times()
  const measured = await rounds(ROUNDS, times)
  const p50 = measured.map((round) => percentile(round, 0.5))
  printFigure({
    bench: `sdk.roundtrip, ${store.name}`,
    what: `request → worker → reply, ${way}, p50, ms`,
    values: p50,
    beside: { what: 'p99', values: measured.map((round) => percentile(round, 0.99)) },
    goal: { text: `≤ ${GOAL_MS[way]}`, isMet: median(p50) <= GOAL_MS[way] },
  })
  await running.stop()
  await server.stop()
}
