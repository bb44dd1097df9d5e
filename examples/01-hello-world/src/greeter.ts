import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const greet = defineEvent({
  type: 'greeting.requested',
  topic: 'action-requests',
  description: 'Asks for a greeting.',
  data: z.object({ name: z.string().min(1) }),
  response: defineEvent({
    type: 'greeting.completed',
    topic: 'action-results',
    description: 'A greeting.',
    data: z.object({ text: z.string() }),
  }),
})

const greeter = defineWorker({ name: 'greeter', description: 'Greets whoever is named.' })

greeter.onTask(greet, (task) => task.complete({ text: `Hello ${task.data.name}` }))

await greeter.run()
