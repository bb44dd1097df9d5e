import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const greeted = defineEvent({
  type: 'greeting.completed',
  topic: 'action-results',
  description: 'A greeting.',
  data: z.strictObject({ text: z.string() }),
})
const greet = defineEvent({
  type: 'greeting.requested',
  topic: 'action-requests',
  description: 'Asks for a greeting of somebody.',
  data: z.strictObject({ name: z.string() }),
  response: greeted,
})

/** One replica of an agent as a process of its own: says its instance id when it is there, and lives until it is killed. */
const worker = defineWorker({ name: 'hello-worker', description: 'Greets.', capabilities: ['greeting'] })
worker.onTask(greet, (task) => task.complete({ text: `Hello ${task.data.name}` }))
const { identity } = await worker.start({ url: process.env['SOMA_URL'] as string })
process.stdout.write(`${identity.instanceId}\n`)
