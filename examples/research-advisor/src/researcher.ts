import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'
import { NOTES } from './notes.ts'

const research = defineEvent({
  type: 'research.requested',
  topic: 'action-requests',
  description: 'Finds notes that help to answer a question.',
  data: z.object({ question: z.string() }),
  response: defineEvent({
    type: 'research.completed',
    topic: 'action-results',
    description: 'What was found, each note with the item of memory that holds it and where it came from.',
    data: z.object({ notes: z.array(z.object({ item: z.string(), source: z.string(), text: z.string() })) }),
  }),
})

const researcher = defineWorker({ name: 'researcher', description: 'Finds what is known.' })

const collection = 'research-advisor'

// What is there already is touched, not stored again, so this may run as often as it likes.
researcher.onTask(research, async (task, { memory }) => {
  await memory.remember(
    ...NOTES.map(({ source, text }) => ({
      content: text,
      collection,
      source: { kind: 'document' as const, ref: source },
    })),
  )
  const { hits } = await memory.recall(task.data.question, { collections: [collection] })
  const notes = hits.map(({ item }) => ({ item: item.id, source: item.source?.ref ?? '', text: item.content }))
  task.complete({ notes: notes.toSorted((a, b) => (a.source < b.source ? -1 : 1)) })
})

await researcher.run()
