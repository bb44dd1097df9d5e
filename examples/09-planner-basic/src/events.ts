import { defineEvent } from '@soma/sdk'
import * as z from 'zod'

const text = z.object({ text: z.string() })
const words = z.object({ text: z.string(), words: z.int() })

export const drafting = defineEvent({
  type: 'draft.requested',
  topic: 'action-requests',
  description: 'Asks for a text about a topic.',
  data: z.object({ topic: z.string().min(1) }),
  response: defineEvent({
    type: 'draft.completed',
    topic: 'action-results',
    description: 'A text about a topic.',
    data: words,
  }),
})
export const shortening = defineEvent({
  type: 'shortening.requested',
  topic: 'action-requests',
  description: 'Asks for a shorter text.',
  data: text,
  response: defineEvent({
    type: 'shortening.completed',
    topic: 'action-results',
    description: 'A shorter text.',
    data: words,
  }),
})
export const article = defineEvent({
  type: 'article.requested',
  topic: 'action-requests',
  description: 'Asks for an article of at most five words.',
  data: z.object({ topic: z.string().min(1) }),
  response: defineEvent({
    type: 'article.completed',
    topic: 'action-results',
    description: 'An article.',
    data: words,
  }),
})
