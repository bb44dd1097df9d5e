import { createPgliteDatabase } from '@soma/adapter-pglite'
import { newUuid, noMetrics, onTopic, silentLogger } from '@soma/kernel'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EventSpine, openEventSpine, until } from '../../../testing/index.ts'
import { createGroup } from './group.ts'
import { createHandlerIndex } from './handler-index.ts'
import { createHolding } from './holding.ts'
import { consumerDefaults } from './settings.ts'

let spine: EventSpine
beforeAll(async () => {
  const database = await createPgliteDatabase({ dataDirectory: 'memory', durability: 'process', log: silentLogger })
  spine = await openEventSpine(database)
}, 60_000)
afterAll(() => spine.close())

/** A member of a group whose cursors are written as it is told. */
function aMember(name: string, commit: () => Promise<void>) {
  const { database, partitions } = spine
  const handlers = createHandlerIndex([onTopic('business-facts', '*', async () => undefined)])
  const settings = { ...consumerDefaults, leaseMs: 1_000 }
  const group = createGroup({
    name,
    owner: newUuid(),
    settings,
    handlers,
    database,
    log: silentLogger,
    metrics: noMetrics,
  })
  const holding = createHolding({ group, database, partitions, begin: () => undefined, commit })
  const stop = async () => {
    group.stop()
    await holding.stop()
    await holding.leave()
    await holding.release([...group.runs.values()])
  }
  return { holding, stop, open: () => [...group.runs.values()].filter((run) => !run.draining && !run.lost).length }
}

it('a partition that shall be another’s is given up also when its cursor cannot be written', async () => {
  let asked = 0
  const first = aMember('module:giving', async () => {
    asked += 1
    throw new Error('the connection is gone')
  })
  const second = aMember('module:giving', async () => undefined)
  await first.holding.start()
  expect(first.open()).toBe(spine.partitions)
  await second.holding.start()
  await until(() => second.open() === spine.partitions / 2)
  expect(asked).toBeGreaterThan(0)
  expect(first.open()).toBe(spine.partitions / 2)
  // Nobody holds what nobody reads.
  await second.stop()
  await until(() => first.open() === spine.partitions)
  await first.stop()
})
