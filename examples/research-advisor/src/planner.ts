import { defineChoreographyPlanner, defineEvent } from '@soma/sdk'
import * as z from 'zod'
import { modelOf } from './model.ts'

const advice = defineEvent({
  type: 'advice.requested',
  topic: 'action-requests',
  description: 'Answers a question from notes, with citations.',
  data: z.object({ question: z.string() }),
  response: defineEvent({
    type: 'advice.completed',
    topic: 'action-results',
    description: 'The answer, and what each of its claims rests on.',
    data: z.object({
      text: z.string(),
      citations: z.array(z.object({ item: z.string(), source: z.string() })).min(1),
    }),
  }),
})

// It ends in two ways: the validator has no objection, or the breaker has had enough.
const planner = defineChoreographyPlanner({
  name: 'planner',
  description: 'Has questions researched, answered and checked until the answer is proven.',
  goals: [advice],
  model: modelOf('planner'),
  instructions:
    'Research, draft, have the draft validated; draft again with the objections. Complete only what was validated without objections.',
  maxActions: 5,
  onTrip: 'fail',
})

await planner.run()
