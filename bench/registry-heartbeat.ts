/** Signs of life: those of 10,000 instances (fewer with `--most`) as calls of 500, and one a call as agents give them; what they cost a process. */
import { parseArgs } from 'node:util'
import { registryContract } from '@soma/registry/contract'
import { testContext } from '@soma/server/testing'
import { openBenchServer } from './bench-module.ts'
import { median, perSecond, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'

const ROUNDS = 5
const { most } = parseArgs({ options: { most: { type: 'string' } }, allowPositionals: true }).values
const INSTANCES = Number(most ?? 10_000)
const A_CALL = 500
const HEARTBEAT_MS = registryContract.settings.heartbeatMs.default

for (const store of stores().filter(({ name }) => name === 'PGlite' || name === 'Postgres')) {
  const bench = await openBenchServer(store)
  const registry = bench.server.client(registryContract)
  const context = testContext({ tenantId: 'bench', kind: 'agent', principalId: 'agt-bench' })
  const ids = Array.from({ length: INSTANCES }, () => crypto.randomUUID())
  const body = { kind: 'worker' as const, description: 'Of a benchmark.', agentVersion: '1.0.0' }
  await perSecond(INSTANCES, 50, (index) =>
    registry.instances.register(context, { params: { name: 'bench', instanceId: ids[index] as string }, body }),
  )
  const together = () =>
    perSecond(INSTANCES / A_CALL, 8, (index) => {
      const instances = ids.slice(index * A_CALL, (index + 1) * A_CALL).map((instanceId) => ({ instanceId }))
      return registry.heartbeats.create(context, { body: { instances } })
    })
  const alone = async () => {
    const before = process.cpuUsage()
    await perSecond(INSTANCES, INSTANCES, (index) =>
      registry.instances.heartbeat(context, { params: { name: 'bench', instanceId: ids[index] as string }, body: {} }),
    )
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000 / HEARTBEAT_MS
  }
  await together()
  const rates = (await rounds(ROUNDS, together)).map((calls) => calls * A_CALL)
  const name = `registry.heartbeat, ${store.name}`
  printFigure({
    ...{ bench: name, what: 'signs a second, 500 a call', values: rates },
    goal: { text: '≥ 5,000', isMet: median(rates) >= 5000 },
  })
  const costs = (await rounds(ROUNDS, alone)).map((share) => share * 100)
  printFigure({
    ...{ bench: name, what: `CPU of ${INSTANCES} instances, one call each, % of a core`, values: costs },
    goal: { text: '≤ 5', isMet: median(costs) <= 5 },
  })
  await bench.server.stop()
}
