import { defineChoreographyPlanner, defineEvent } from '@soma/sdk'
import * as z from 'zod'
import { model } from './model.ts'

const report = defineEvent({
  type: 'report.requested',
  topic: 'action-requests',
  description: 'Reports how sales of a product go.',
  data: z.object({ product: z.string() }),
  response: defineEvent({
    type: 'report.completed',
    topic: 'action-results',
    description: 'The report.',
    data: z.object({ text: z.string() }),
  }),
})

// It names no worker and no step: the model decides after each answer, among what live agents take just then.
const editor = defineChoreographyPlanner({
  name: 'editor',
  description: 'Has sales reports made.',
  goals: [report],
  model,
  instructions: 'Fetch the figures, have the trend found, then have it written up. Never invent a figure.',
  // Whoever waits for a report hears of it when the model runs in circles.
  maxActions: 3,
  onTrip: 'fail',
})

await editor.run()
