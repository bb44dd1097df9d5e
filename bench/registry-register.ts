/** A full registration: an agent with 10 capabilities and 20 events, each time of another name. */
import { registryContract } from '@soma/registry/contract'
import { testContext } from '@soma/server/testing'
import { openBenchServer } from './bench-module.ts'
import { percentile, printFigure, rounds } from './figures.ts'
import { stores } from './stores.ts'

const ROUNDS = 5
const REGISTRATIONS = 40

for (const store of stores().filter(({ name }) => name === 'PGlite' || name === 'Postgres')) {
  const bench = await openBenchServer(store)
  const registry = bench.server.client(registryContract)
  const context = testContext({ tenantId: 'bench', kind: 'agent', principalId: 'agt-bench' })
  const register = async (name: string) => {
    const body = registrationOf(name)
    const startedAt = performance.now()
    await registry.instances.register(context, { params: { name, instanceId: crypto.randomUUID() }, body })
    return performance.now() - startedAt
  }
  for (let warm = 0; warm < 10; warm++) await register(`warm-${warm}`)
  const p95 = await rounds(ROUNDS, async (round) => {
    const times: number[] = []
    for (let number = 0; number < REGISTRATIONS; number++) times.push(await register(`agent-${round}-${number}`))
    return percentile(times, 0.95)
  })
  printFigure({
    ...{ bench: `registry.register, ${store.name}`, what: '10 capabilities, 20 events, p95, ms', values: p95 },
    goal: { text: '≤ 25', isMet: percentile(p95, 0.5) <= 25 },
  })
  await bench.server.stop()
}

function registrationOf(name: string) {
  const asked = (number: number) => ({ topic: 'action-requests', type: `${name}.work-${number}.requested` })
  const done = (number: number) => ({ topic: 'action-results', type: `${name}.work-${number}.completed` })
  const numbers = Array.from({ length: 10 }, (_, number) => number)
  const text = { type: 'string', description: 'A text.' }
  const schema = { jsonSchema: { type: 'object', required: ['text'], properties: { text, language: text } } }
  return {
    ...{ kind: 'worker' as const, description: `Does what ${name} does.`, agentVersion: '1.0.0' },
    capabilities: numbers.map((number) => ({
      ...{ name: `work-${number}`, description: `Work of kind ${number}.` },
      ...{ consumes: asked(number), produces: [done(number)] },
    })),
    events: numbers.flatMap((number) => [
      {
        ...{ ...asked(number), kind: 'request' as const, description: `Asks for ${number}.`, schema },
        ...{ responseType: done(number).type, examples: [{ text: 'Hello' }] },
      },
      { ...done(number), kind: 'reply' as const, description: `Done ${number}.`, schema },
    ]),
  }
}
