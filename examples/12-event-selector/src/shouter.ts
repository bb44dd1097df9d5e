import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const request = defineEvent({
  type: 'shout.requested',
  topic: 'action-requests',
  description: 'Shouts a text.',
  data: z.object({ text: z.string() }),
  response: defineEvent({
    type: 'shout.completed',
    topic: 'action-results',
    description: 'The text in capitals.',
    data: z.object({ text: z.string() }),
  }),
})

const shouter = defineWorker({ name: 'shouter', description: 'Shouts a text.' })

shouter.onTask(request, (task) => task.complete({ text: task.data.text.toUpperCase() }))

await shouter.run()
