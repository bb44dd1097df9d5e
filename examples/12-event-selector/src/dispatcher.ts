import { createEventSelector, defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'
import { model } from './model.ts'

const wish = defineEvent({
  type: 'wish.requested',
  topic: 'action-requests',
  description: 'Grants a wish.',
  data: z.object({ wish: z.string() }),
  response: defineEvent({
    type: 'wish.completed',
    topic: 'action-results',
    description: 'Who granted the wish, and what came of it.',
    data: z.object({ by: z.string(), answer: z.json() }),
  }),
})
// Replies come in a type of its own, so it need not know those of the workers.
const answered = defineEvent({
  type: 'wish.answered',
  topic: 'action-results',
  description: 'What came of a wish.',
  data: z.json(),
})

const dispatcher = defineWorker({ name: 'dispatcher', description: 'Finds who grants a wish.' })

// Only what is registered, live and fits its schema comes out of `select`; else the task fails with what was wrong.
dispatcher.onTask(wish, async (task, context) => {
  const selector = createEventSelector(context, { model, topics: ['action-requests'] })
  const { event, data } = await selector.select({ goal: task.data.wish })
  task.state.by = event.type
  const { type, description } = event
  task.delegate(defineEvent({ type, topic: 'action-requests', description, data: z.unknown() }), data, {
    response: answered,
  })
})

dispatcher.onResult(answered, async ({ data, problem, restoreTask }) => {
  const task = await restoreTask()
  if (problem === undefined) task?.complete({ by: task.state.by, answer: data })
  else task?.fail(problem)
})

await dispatcher.run()
