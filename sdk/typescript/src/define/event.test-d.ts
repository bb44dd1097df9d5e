import * as z from 'zod'
import { type DataInput, defineEvent, type EventData, type ResponseInput, type AnyEvent } from './event.ts'

const done = defineEvent({
  type: 'greeting.completed',
  topic: 'action-results',
  description: 'A greeting.',
  data: z.object({ text: z.string() }),
})
const asked = defineEvent({
  type: 'greeting.requested',
  topic: 'action-requests',
  description: 'Asks for a greeting.',
  data: z.object({ name: z.string(), loud: z.boolean().default(false) }),
  response: done,
})

const any: AnyEvent = asked
void any
const input: DataInput<typeof asked> = { name: 'Ada' }
void input
const data: EventData<typeof asked> = { name: 'Ada', loud: true }
void data
// @ts-expect-error loud is there once parsed
const missing: EventData<typeof asked> = { name: 'Ada' }
void missing
const reply: ResponseInput<typeof asked> = { text: 'hello' }
void reply
// @ts-expect-error a reply has text
const wrong: ResponseInput<typeof asked> = { words: 'hello' }
void wrong
