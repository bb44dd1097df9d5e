import { defineEvent } from '@soma/sdk'
import * as z from 'zod'

export const counted = defineEvent({
  type: 'count.completed',
  topic: 'action-results',
  description: 'How many words a text has.',
  data: z.object({ words: z.int() }),
})
export const count = defineEvent({
  type: 'count.requested',
  topic: 'action-requests',
  description: 'Asks how many words a text has.',
  data: z.object({ text: z.string() }),
  response: counted,
})
export const survey = defineEvent({
  type: 'survey.requested',
  topic: 'action-requests',
  description: 'Asks how many words each of several texts has.',
  data: z.object({ texts: z.array(z.string()).min(1).max(100) }),
  response: defineEvent({
    type: 'survey.completed',
    topic: 'action-results',
    description: 'The words of each text, in the order asked.',
    data: z.object({ words: z.array(z.int()) }),
  }),
})
