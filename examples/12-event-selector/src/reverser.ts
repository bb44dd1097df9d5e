import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const request = defineEvent({
  type: 'reversal.requested',
  topic: 'action-requests',
  description: 'Turns a text around.',
  data: z.object({ text: z.string() }),
  response: defineEvent({
    type: 'reversal.completed',
    topic: 'action-results',
    description: 'The text from its end to its beginning.',
    data: z.object({ text: z.string() }),
  }),
})

const reverser = defineWorker({ name: 'reverser', description: 'Turns a text around.' })

reverser.onTask(request, (task) => task.complete({ text: Array.from(task.data.text).toReversed().join('') }))

await reverser.run()
