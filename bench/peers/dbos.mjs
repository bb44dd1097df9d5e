/** The plan of three tasks as a DBOS Transact workflow of three steps: `dbos.mjs` with DATABASE_URL, a database of its own. Prints its times as JSON. */
import { DBOS } from '@dbos-inc/dbos-sdk'
import { chainTimes } from '../chain-times.ts'

const silent = { info() {}, debug() {}, warn() {}, error: (...words) => console.error(...words) }
DBOS.setConfig({
  name: 'chain',
  systemDatabaseUrl: process.env.DATABASE_URL,
  systemDatabasePoolSize: 10,
  logger: silent,
})
const chain = DBOS.registerWorkflow(
  async (number) => {
    let value = number
    for (let step = 0; step < 3; step += 1) value = await DBOS.runStep(async () => value + 1, { name: `add-${step}` })
    return value
  },
  { name: 'chain' },
)
await DBOS.launch()
const times = await chainTimes((number) => chain(number))
console.log(JSON.stringify(times))
await DBOS.shutdown()
