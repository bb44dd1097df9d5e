import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const writing = defineEvent({
  type: 'summary.requested',
  topic: 'action-requests',
  description: 'Writes one sentence about the trend of a product.',
  data: z.object({ product: z.string(), trend: z.enum(['up', 'down', 'flat']), percent: z.number() }),
  response: defineEvent({
    type: 'summary.completed',
    topic: 'action-results',
    description: 'The sentence.',
    data: z.object({ text: z.string() }),
  }),
})

const reporter = defineWorker({ name: 'reporter', description: 'Writes about trends.' })

reporter.onTask(writing, (task) => {
  const { product, trend, percent } = task.data
  const change = trend === 'flat' ? 'stand still' : `go ${trend} by ${Math.abs(percent)} %`
  task.complete({ text: `Sales of ${product} ${change}.` })
})

await reporter.run()
