import { contract, defineModule, operation, silentLogger } from '@soma/kernel'
import { startServer } from '@soma/server'
import * as z from 'zod'

/** A process of the platform with one toy module, which ends by itself once it is stopped: whatever still held it open would show. */
const worksContract = contract({
  module: 'works',
  summary: 'What takes a while?',
  operations: {
    works: {
      run: operation({
        method: 'POST',
        path: '/v1/works',
        summary: 'Works for the given time.',
        capability: 'public',
        body: z.strictObject({ forMs: z.number().int().min(0).max(600_000) }),
        output: z.strictObject({ done: z.literal(true) }),
      }),
      wait: operation({
        method: 'POST',
        path: '/v1/works/{workId}/wait',
        summary: 'Answers after the given time, for which the caller may wait.',
        capability: 'public',
        params: z.strictObject({ workId: z.string() }),
        body: z.strictObject({ forMs: z.number().int().min(0).max(600_000) }),
        output: z.strictObject({ done: z.literal(true) }),
        waits: true,
      }),
      watch: operation({
        method: 'GET',
        path: '/v1/works/watch',
        summary: 'Tells one thing and then waits for ever.',
        capability: 'public',
        stream: { told: z.strictObject({ value: z.number() }) },
      }),
    },
  },
  events: [],
  capabilities: {},
  settings: {},
})

async function work(forMs: number): Promise<{ done: true }> {
  process.stdout.write('working\n')
  // Not itself what keeps the process alive: the request is.
  await new Promise((resolve) => setTimeout(resolve, forMs).unref())
  return { done: true }
}

const worksModule = defineModule({
  contract: worksContract,
  uses: {},
  create: () => ({
    operations: {
      works: {
        run: (_context, { body }) => work(body.forMs),
        wait: (_context, { body }) => work(body.forMs),
        watch: async (_context, { signal }) =>
          (async function* () {
            yield { id: '7', event: 'told' as const, data: { value: 7 } }
            await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
          })(),
      },
    },
  }),
})

/** Hosted by a process that forwards what is asked of `works`. */
const doorModule = defineModule({
  contract: contract({
    module: 'door',
    summary: 'Where is the way in?',
    operations: {},
    events: [],
    capabilities: {},
    settings: {},
  }),
  uses: {},
  create: () => ({ operations: {} }),
})

const { GRACE_MS, WORKS_URL } = process.env
const server = await startServer({
  platform: { modules: [worksModule, doorModule], portsOf: () => ({}) },
  modules: [WORKS_URL === undefined ? 'works' : 'door'],
  sources: {
    flags: {
      mode: 'test',
      'server.port': 0,
      'server.dataDirectory': 'memory',
      'server.graceMs': Number(GRACE_MS),
      ...(WORKS_URL === undefined ? {} : { 'server.moduleUrls': { works: WORKS_URL } }),
    },
  },
  log: silentLogger,
  authenticate: async ({ traceparent }) => ({
    tenantId: 'tenant-a',
    spaceId: '',
    principal: { id: 'nobody', kind: 'guest', roles: [], capabilities: [] },
    actors: [],
    method: 'none',
    region: 'local',
    constitutionHash: 'none',
    traceparent,
  }),
})
process.once('SIGTERM', () => void server.stop())
process.stdout.write(`${server.url}\n`)
