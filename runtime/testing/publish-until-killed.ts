import { createPgliteDatabase } from '@soma/adapter-pglite'
import { onTopic, silentLogger } from '@soma/kernel'
import { resetLeases } from '../src/events/cursors/store.ts'
import { openEventSpine } from './event-spine.ts'

/**
 * A process that is meant to be killed: publishes events one after another and handles them. Arguments: data directory, round, durability.
 * Writes `<event id>` on a line of its own when the publish has been answered.
 */
const [dataDirectory, round, durability] = process.argv.slice(2) as [string, string, 'power' | 'process']
const database = await createPgliteDatabase({ dataDirectory, durability, log: silentLogger })
const spine = await openEventSpine(database)
await resetLeases(database)
const consumer = spine.consumer([onTopic('business-facts', '*', spine.effect)], { commitEveryMs: 50 })
await consumer.start()
for (let n = 0; ; n++) {
  const id = `${round}-${n}`
  await spine.publish({ id, key: `key-${n % 7}` }, { id: `${id}-second`, key: `key-${n % 7}` })
  process.stdout.write(`${id}\n`)
}
