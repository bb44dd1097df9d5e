import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const validation = defineEvent({
  type: 'validation.requested',
  topic: 'action-requests',
  description: 'Validates the answer to a question: holds each claim against the note that it names.',
  data: z.object({ claims: z.array(z.object({ text: z.string(), item: z.string() })) }),
  response: defineEvent({
    type: 'validation.completed',
    topic: 'action-results',
    description: 'Objections; none when each claim is proven.',
    data: z.object({ objections: z.array(z.string()) }),
  }),
})

const validator = defineWorker({ name: 'validator', description: 'Believes what stands in memory.' })

/** Numbers, and words that are long enough to mean something. */
const wordsOf = (text: string): string[] => text.toLowerCase().match(/\d+|[a-z]{4,}/g) ?? []

validator.onTask(validation, async (task, { memory }) => {
  const objections: string[] = []
  for (const [at, { text, item }] of task.data.claims.entries()) {
    const note = await memory.get(item)
    const known = wordsOf(note?.content ?? '')
    const unproven = wordsOf(text).filter((word) => !known.includes(word))
    if (unproven.length > 0)
      objections.push(`claim ${at + 1} is not proven: ${note?.source?.ref ?? item} does not say ${unproven.join(', ')}`)
  }
  task.complete({ objections })
})

await validator.run()
