/** Questions in plain words to a registry of 10,000 definitions and 1,000 live agents (fewer with `--most`). */
import { parseArgs } from 'node:util'
import { registryContract } from '@soma/registry/contract'
import { corpusDefinitions, corpusQuestions } from '@soma/registry/testing'
import { testContext } from '@soma/server/testing'
import { openBenchServer } from './bench-module.ts'
import { percentile, perSecond, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'

const ROUNDS = 3
const QUESTIONS = 40
const { most } = parseArgs({ options: { most: { type: 'string' } }, allowPositionals: true }).values
const DEFINITIONS = Number(most ?? 10_000)
const AGENTS = DEFINITIONS / 10
const GOAL_MS = { PGlite: 40, Postgres: 20 } as const

for (const store of stores()) {
  if (store.name !== 'PGlite' && store.name !== 'Postgres') continue
  const bench = await openBenchServer(store)
  const registry = bench.server.client(registryContract)
  const context = testContext({ tenantId: 'bench', kind: 'agent', principalId: 'agt-bench' })
  await perSecond(AGENTS, 4, (index) =>
    registry.instances.register(context, {
      params: { name: `agent-${index}`, instanceId: crypto.randomUUID() },
      body: registrationOf(index),
    }),
  )
  const ask = async (number: number) => {
    const { query } = corpusQuestions[number % corpusQuestions.length] as (typeof corpusQuestions)[number]
    const startedAt = performance.now()
    await registry.discovery.search(context, { body: { query } })
    return performance.now() - startedAt
  }
  await ask(0)
  const p95 = await rounds(ROUNDS, async (round) => {
    const times: number[] = []
    for (let number = 0; number < QUESTIONS; number++) times.push(await ask(round * QUESTIONS + number))
    return percentile(times, 0.95)
  })
  printFigure({
    bench: `registry.discover, ${store.name}`,
    what: `${DEFINITIONS} definitions, ${AGENTS} agents, p95, ms`,
    values: p95,
    goal: { text: `≤ ${GOAL_MS[store.name]}`, isMet: percentile(p95, 0.5) <= GOAL_MS[store.name] },
  })
  await bench.server.stop()
}

/** Ten definitions of the corpus, each under a name of its own. */
function registrationOf(index: number) {
  const own = Array.from({ length: 10 }, (_, number) => {
    const { type, description, fields } = corpusDefinitions[
      (index * 10 + number) % corpusDefinitions.length
    ] as (typeof corpusDefinitions)[number]
    const properties = Object.fromEntries(fields.map((field) => [field, { type: 'string' }]))
    return {
      topic: 'action-requests',
      type: `n${index}.${type}`,
      description,
      schema: { jsonSchema: { type: 'object', properties } },
    }
  })
  return {
    ...{ kind: 'worker' as const, description: `Agent ${index}.`, agentVersion: '1.0.0' },
    consumes: own.map(({ topic, type }) => ({ topic, type })),
    events: own.map((event) => ({ ...event, kind: 'request' as const })),
  }
}
