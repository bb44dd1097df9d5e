import { defineEvent } from '@soma/sdk'
import * as z from 'zod'

export const ticket = defineEvent({
  type: 'ticket.requested',
  topic: 'action-requests',
  description: 'Asks to sort a message of a customer.',
  data: z.object({ text: z.string().min(1) }),
  response: defineEvent({
    type: 'ticket.completed',
    topic: 'action-results',
    description: 'What the message was sorted as.',
    data: z.object({ type: z.string() }),
  }),
})
export const refund = defineEvent({
  type: 'refund.wanted',
  topic: 'business-facts',
  description: 'A customer wants money back.',
  data: z.object({ order: z.int(), euros: z.number().positive() }),
})
export const outage = defineEvent({
  type: 'outage.reported',
  topic: 'business-facts',
  description: 'A customer says that something does not work.',
  data: z.object({ service: z.string(), severity: z.enum(['low', 'high']) }),
})
