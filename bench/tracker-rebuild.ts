/** Read models from the log: 20,000 facts of tasks into empty models (`--most 1000000` for what the goal says), while nothing else is done. */
import { parseArgs } from 'node:util'
import { migrate } from '@soma/governance/testing'
import { newId } from '@soma/kernel'
import { plansModule } from '@soma/plans'
import { trackerModule } from '@soma/tracker'
import { aReader, aTaskFact, openTrackerBench } from '@soma/tracker/testing'
import { printFigure } from './figures.ts'
import { stores } from './stores.ts'

const { most } = parseArgs({ options: { most: { type: 'string' } }, allowPositionals: true }).values
const FACTS = Number(most ?? 20_000)
/** 1,000,000 in three minutes. */
const GOAL_A_SECOND = 1_000_000 / 180
const VERBS = [
  ['created', 'pending'],
  ['started', 'running'],
  ['progressed', 'running'],
  ['completed', 'completed'],
] as const
const operator = aReader(['platform:operate'])

for (const store of stores().filter(({ name }) => name === 'PGlite' || name === 'Postgres')) {
  const { database } = await store.open()
  await migrate(database, [
    { definition: plansModule, ports: {} },
    { definition: trackerModule, ports: undefined },
  ])
  const bench = await openTrackerBench(database)
  const at = new Date().toISOString()
  for (let task = 0, planId = newId('plan'); bench.events.length < FACTS; task++) {
    if (task % 10 === 0) planId = newId('plan')
    const ids = { planId, taskId: newId('task') }
    for (const [index, [verb, status]] of VERBS.entries())
      bench.events.push({
        ...aTaskFact(verb, ids, { at, version: index + 1, status, agent: { name: 'checker' } }),
        ...{ traceparent: operator.traceparent, dataschema: 'task' },
      })
  }
  const before = process.memoryUsage().rss
  const startedAt = performance.now()
  const { rebuildId } = await bench.tracker.rebuilds.create(operator, { body: {} })
  await bench.rebuild()
  const seconds = (performance.now() - startedAt) / 1000
  const { applied, status } = await bench.tracker.rebuilds.get(operator, { params: { rebuildId } })
  if (status !== 'completed' || applied !== FACTS) throw new Error(`${applied} of ${FACTS} facts, ${status}`)
  const rate = FACTS / seconds
  const name = `tracker.rebuild, ${store.name}`
  printFigure({
    ...{ bench: name, what: `${FACTS.toLocaleString('en-US')} facts into empty models, facts/s`, values: [rate] },
    goal: { text: `≥ ${Math.round(GOAL_A_SECOND).toLocaleString('en-US')}`, isMet: rate >= GOAL_A_SECOND },
  })
  const mebibytes = (process.memoryUsage().rss - before) / 2 ** 20
  printFigure({
    ...{ bench: name, what: 'memory of the process on top, MiB', values: [mebibytes] },
    goal: { text: '≤ 300', isMet: mebibytes <= 300 },
  })
  await bench.close()
}
