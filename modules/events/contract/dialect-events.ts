import { operation } from '@soma/kernel'
import { eventInputSchema } from './envelope.ts'
import { eventPublishProblems, publishedSchema } from './events.ts'

export const dialectEventOperations = {
  publish: operation({
    method: 'POST',
    path: '/v1/events/dialect',
    summary:
      'Publishes an event that came in a foreign dialect, whose types nobody has to register: what does not fit is a warning, whatever the setting says.',
    capability: 'internal',
    action: 'event.publish',
    body: eventInputSchema,
    output: publishedSchema,
    status: 201,
    problems: eventPublishProblems,
  }),
}
