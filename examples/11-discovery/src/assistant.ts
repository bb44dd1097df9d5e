import { defineChoreographyPlanner, defineEvent } from '@soma/sdk'
import * as z from 'zod'

const help = defineEvent({
  type: 'help.requested',
  topic: 'action-requests',
  description: 'Translates a text into German.',
  data: z.object({ text: z.string() }),
  response: defineEvent({
    type: 'help.completed',
    topic: 'action-results',
    description: 'A German text.',
    data: z.object({ german: z.string() }),
  }),
})

// It names no worker: at each step it asks the registry who could help now.
const assistant = defineChoreographyPlanner({ name: 'assistant', description: 'Finds who can help.', goals: [help] })

await assistant.run()
