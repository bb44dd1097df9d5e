import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const request = defineEvent({
  type: 'measurement.requested',
  topic: 'action-requests',
  description: 'Measures how long a text is.',
  data: z.object({ text: z.string() }),
  response: defineEvent({
    type: 'measurement.completed',
    topic: 'action-results',
    description: 'The letters of the text.',
    data: z.object({ letters: z.int() }),
  }),
})

const measurer = defineWorker({ name: 'measurer', description: 'Measures how long a text is.' })

measurer.onTask(request, (task) => task.complete({ letters: task.data.text.length }))

await measurer.run()
