import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'
import { modelOf } from './model.ts'

const draft = z.object({ claims: z.array(z.object({ text: z.string(), item: z.string() })).min(1) })
const drafting = defineEvent({
  type: 'drafting.requested',
  topic: 'action-requests',
  description: 'Drafts the answer to a question from notes, again where there are objections.',
  data: z.object({
    question: z.string(),
    notes: z.array(z.object({ item: z.string(), source: z.string(), text: z.string() })),
    objections: z.array(z.string()),
  }),
  response: defineEvent({
    type: 'drafting.completed',
    topic: 'action-results',
    description: 'The draft: claims, each with the item that it rests on.',
    data: draft,
  }),
})

const advisor = defineWorker({ name: 'advisor', description: 'Drafts answers.' })
const model = modelOf('advisor')
const instructions =
  'Answer the question in short sentences, as {"claims": [{"text", "item"}]}. Each claim rests on the note whose item it names.'

advisor.onTask(drafting, async (task, { signal }) => {
  const { question, objections } = task.data
  const notes = task.data.notes.map(({ item, text }) => ({ item, text }))
  const prompt = JSON.stringify({ question, notes, objections })
  const answer = String(await model({ instructions, prompt, answer: z.toJSONSchema(draft) }, { signal }))
  task.complete(draft.parse(JSON.parse(answer)))
})

await advisor.run()
