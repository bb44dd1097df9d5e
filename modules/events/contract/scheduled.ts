import { commonProblems, operation, pageOf, pageQuery } from '@soma/kernel'
import * as z from 'zod'
import { storedEventSchema } from './envelope.ts'

export const scheduledOperations = {
  list: operation({
    method: 'GET',
    path: '/v1/events/scheduled',
    summary: 'Lists events that wait for their deliverAt, in due order: own ones, with event:manage all.',
    capability: 'authenticated',
    action: 'event.publish',
    query: z.strictObject(pageQuery),
    output: pageOf(storedEventSchema),
  }),
  delete: operation({
    method: 'DELETE',
    path: '/v1/events/scheduled/{eventId}',
    summary:
      'Takes an event back before it is due; once it is recorded that is a conflict. Its id stays used inside the dedupe window. `source` chooses where two share an id.',
    capability: 'authenticated',
    action: 'event.publish',
    params: z.strictObject({ eventId: z.string().min(1).max(128) }),
    query: z.strictObject({ source: z.string().max(255).optional() }),
    problems: [commonProblems.conflict],
  }),
}
