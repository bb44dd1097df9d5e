import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const analysis = defineEvent({
  type: 'trend.requested',
  topic: 'action-requests',
  description: 'Says which way sales figures go.',
  data: z.object({ sales: z.array(z.number()).min(2) }),
  response: defineEvent({
    type: 'trend.completed',
    topic: 'action-results',
    description: 'The trend and the change in percent.',
    data: z.object({ trend: z.enum(['up', 'down', 'flat']), percent: z.number() }),
  }),
})

const analyzer = defineWorker({ name: 'analyzer', description: 'Finds trends in figures.' })

analyzer.onTask(analysis, (task) => {
  const { sales } = task.data
  const [first, last] = [sales[0] as number, sales.at(-1) as number]
  const trend = last > first ? 'up' : last < first ? 'down' : 'flat'
  task.complete({ trend, percent: Math.round((100 * (last - first)) / first) })
})

await analyzer.run()
