import { createPgliteDatabase } from '@soma/adapter-pglite'
import { type Database, silentLogger } from '@soma/kernel'
import { type Clients, createClients } from '@soma/sdk/clients'
import { type RunningServer, somaPlatform, startServer } from '@soma/server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCli } from '../../apps/cli/testing/run-cli.ts'

const STALE_MS = 300
/** What was in hand when projecting was stopped has been applied by then, also on a machine that stands still for seconds. */
const SURE_MS = 5_000
let database: Database
let server: RunningServer
let clients: Clients
beforeAll(async () => {
  database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  server = await startServer({
    platform: somaPlatform,
    database,
    log: silentLogger,
    sources: { flags: { mode: 'developer-light', 'server.port': 0, 'tracker.staleMs': STALE_MS } },
  })
  clients = createClients({ url: server.url })
}, 60_000)
afterAll(() => server.stop())

const make = async (title: string): Promise<string> =>
  (await clients.plans.plans.create({ body: { title, goal: { type: 'still.requested', data: {} } } })).planId
const newest = async (planId: string): Promise<string> =>
  (await clients.events.events.list({ query: { planId, limit: 1 } })).items[0]?.id as string
/** A member that projects nothing holds every partition of the tracker until it is told to leave. */
async function joinHangingMember(): Promise<() => Promise<void>> {
  const held = (owner: string, until: string) =>
    database.transaction({ role: 'soma_bus' }, (session) =>
      session.execute(
        `update events.cursor set owner = ${owner}, epoch = epoch + 1, lease_until = ${until} where grp = 'module:tracker'`,
      ),
    )
  let holding: Promise<unknown> = Promise.resolve()
  const hold = () => {
    holding = held("'00000000-0000-7000-8000-000000000001'", "clock_timestamp() + interval '3 seconds'")
  }
  hold()
  const renewing = setInterval(hold, 500)
  return async () => {
    clearInterval(renewing)
    await holding
    await held('null', 'null')
    await database.notify('soma_group', 'module:tracker')
  }
}

it('TRK-R4 every answer and frame says how far the tracker is behind, also while it stands still; the command line shows it; who wrote reads what he wrote', async () => {
  const planId = await make('before')
  const params = { planId }
  const { plan, ...fresh } = await clients.tracker.plans.get({ params, query: { waitFor: await newest(planId) } })
  expect(plan).toMatchObject({ name: 'before' })
  expect(fresh).toMatchObject({ asOf: expect.any(String), lagMs: expect.any(Number) })
  const abort = new AbortController()
  const stream = await clients.tracker.planStream.read({ params, signal: abort.signal })
  const frames = stream[Symbol.asyncIterator]()
  expect((await frames.next()).value).toMatchObject({ event: 'snapshot', data: { stale: expect.any(Boolean) } })

  const leave = await joinHangingMember()
  let unseen = ''
  const lag = async (): Promise<number> => {
    const { lagMs } = await clients.tracker.plans.list({ query: {} })
    if (lagMs === 0) unseen = await make('while it stands still')
    return lagMs
  }
  await expect.poll(lag, { timeout: 60_000, interval: 100 }).toBeGreaterThan(SURE_MS)
  const answers = [
    await clients.tracker.plans.get({ params }),
    await clients.tracker.plans.list({}),
    await clients.tracker.planTasks.list({ params }),
    await clients.tracker.planTimeline.list({ params }),
    await clients.tracker.planLineage.get({ params }),
    await clients.tracker.planHierarchy.get({ params }),
    await clients.tracker.planSubPlans.list({ params }),
    await clients.tracker.planBlockers.list({ params }),
    await clients.tracker.planEta.get({ params }),
    await clients.tracker.blockers.list({}),
    await clients.tracker.tasks.list({}),
    await clients.tracker.sessionPlans.list({ params: { sessionId: 'ses-1' } }),
    await clients.tracker.traces.get({ params: { traceId: 'a'.repeat(32) } }),
    await clients.tracker.correlations.get({ params: { correlationId: 'none' } }),
  ]
  for (const [index, { asOf, lagMs, stale }] of answers.entries())
    expect({ asOf, isLate: lagMs > STALE_MS, stale }, `answer ${index}`).toEqual({
      asOf: answers[0]?.asOf,
      isLate: true,
      stale: true,
    })
  const later = await clients.tracker.plans.list({})
  expect(later.lagMs).toBeGreaterThan(answers[0]?.lagMs as number)
  const shown = await runCli(['plans', 'progress', planId], { environment: { SOMA_URL: server.url } })
  expect(shown.code).toBe(0)
  expect(shown.stdout).toContain('behind the log')
  expect(shown.stderr).toContain('this is stale: the tracker is')
  await expect(clients.tracker.plans.get({ params: { planId: unseen } })).rejects.toMatchObject({ code: 'not-found' })
  await leave()
  for (let stale = true; stale; )
    ({ stale } = await clients.tracker.plans.list({ query: { waitFor: await newest(unseen) } }))
  expect((await clients.tracker.plans.get({ params: { planId: unseen } })).plan.name).toBe('while it stands still')

  const end = await clients.plans.plans.cancel({ params, body: { reason: 'seen enough' } })
  expect(end.status).toBe('cancelled')
  for (let status = ''; status !== 'cancelled'; ) {
    const { value: frame } = (await frames.next()) as { value: { event: string; data: Record<string, unknown> } }
    expect(frame.data).toMatchObject({
      asOf: expect.any(String),
      lagMs: expect.any(Number),
      stale: expect.any(Boolean),
    })
    if (frame.event === 'plan') status = (frame.data.plan as { status: string }).status
  }
  abort.abort()
  const again = await runCli(['plans', 'progress', planId], { environment: { SOMA_URL: server.url } })
  expect(again.stdout + again.stderr).not.toContain('stale')
}, 180_000)
