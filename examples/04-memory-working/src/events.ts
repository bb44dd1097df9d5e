import { defineEvent } from '@soma/sdk'
import * as z from 'zod'

export const packing = defineEvent({
  type: 'packing.requested',
  topic: 'action-requests',
  description: 'Asks to pack one box.',
  data: z.object({ box: z.string(), apples: z.int() }),
  response: defineEvent({
    type: 'packing.completed',
    topic: 'action-results',
    description: 'A box is packed.',
    data: z.object({ box: z.string() }),
  }),
})
export const harvest = defineEvent({
  type: 'harvest.requested',
  topic: 'action-requests',
  description: 'Asks to pack a harvest of apples into boxes.',
  data: z.object({ boxes: z.record(z.string(), z.int()) }),
  response: defineEvent({
    type: 'harvest.completed',
    topic: 'action-results',
    description: 'All boxes are packed.',
    data: z.object({ apples: z.int(), boxes: z.array(z.string()), planId: z.string() }),
  }),
})
