import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const fetching = defineEvent({
  type: 'figures.requested',
  topic: 'action-requests',
  description: 'Fetches the sales figures of a product.',
  data: z.object({ product: z.string() }),
  response: defineEvent({
    type: 'figures.completed',
    topic: 'action-results',
    description: 'Sales by month, oldest first; none while they are not settled.',
    data: z.object({ product: z.string(), sales: z.array(z.number()) }),
  }),
})

const SALES: Readonly<Record<string, readonly number[]>> = { tea: [10, 12, 15], coffee: [30, 24, 21] }

const fetcher = defineWorker({ name: 'fetcher', description: 'Knows the sales figures.' })

fetcher.onTask(fetching, (task) => {
  const { product } = task.data
  task.complete({ product, sales: [...(SALES[product] ?? [])] })
})

await fetcher.run()
