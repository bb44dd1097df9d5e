import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

/** A TypeScript worker that agents in Python delegate to. */
const partCompleted = defineEvent({
  type: 'part.completed',
  topic: 'action-results',
  description: 'A part is done.',
  data: z.object({ doubled: z.number() }),
})
const partRequested = defineEvent({
  type: 'part.requested',
  topic: 'action-requests',
  description: 'Asks for a part.',
  data: z.object({ part: z.number() }),
  response: partCompleted,
})

const worker = defineWorker({ name: 'part-worker', description: 'Doubles.', memberGraceMs: 0, backoff: { baseMs: 1 } })
worker.onTask(partRequested, (task) => task.complete({ doubled: task.data.part * 2 }))
await worker.run()
