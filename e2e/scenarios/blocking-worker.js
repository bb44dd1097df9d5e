/** An agent whose handler keeps the event loop of its process for as long as the request says. A line for each run. JavaScript: it runs the packages as they are built. */
import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const computed = defineEvent({
  type: 'sum.completed',
  topic: 'action-results',
  description: 'A sum.',
  data: z.object({ attempt: z.number() }),
})
const computeRequested = defineEvent({
  type: 'sum.requested',
  topic: 'action-requests',
  description: 'Asks for a sum that takes long.',
  data: z.object({ blockMs: z.number() }),
  response: computed,
})

const worker = defineWorker({ name: 'calculator', description: 'Thinks without a pause.', leaseMs: 5_000 })
worker.onTask(computeRequested, (task) => {
  process.stdout.write('runs\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, task.data.blockMs)
  task.complete({ attempt: task.attempt })
})
worker.onStartup(() => void process.stdout.write('starts\n'))
await worker.run()
