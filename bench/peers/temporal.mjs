/** The plan of three tasks as a Temporal workflow of three activities: `temporal.mjs` with TEMPORAL_ADDRESS. Worker and client share this process. Prints its times as JSON. */
import { fileURLToPath } from 'node:url'
import { Client, Connection } from '@temporalio/client'
import { NativeConnection, Runtime, Worker, DefaultLogger } from '@temporalio/worker'
import { chainTimes } from '../chain-times.ts'

const address = process.env.TEMPORAL_ADDRESS
const taskQueue = 'chain'
Runtime.install({ logger: new DefaultLogger('ERROR') })
const connection = await NativeConnection.connect({ address })
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./temporal-workflow.mjs', import.meta.url)),
  activities: { add: async (value) => value + 1 },
})
const running = worker.run()
const client = new Client({ connection: await Connection.connect({ address }) })
let count = 0
const times = await chainTimes((number) => {
  count += 1
  return client.workflow.execute('chain', { taskQueue, workflowId: `chain-${process.pid}-${count}`, args: [number] })
})
console.log(JSON.stringify(times))
worker.shutdown()
await running
await client.connection.close()
await connection.close()
