import { defineEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'

const translate = defineEvent({
  type: 'translation.requested',
  topic: 'action-requests',
  description: 'Translates a text into German.',
  data: z.object({ text: z.string() }),
  response: defineEvent({
    type: 'translation.completed',
    topic: 'action-results',
    description: 'A German text.',
    data: z.object({ german: z.string() }),
  }),
})

const DICTIONARY: Readonly<Record<string, string>> = { hello: 'hallo', world: 'Welt' }

const translator = defineWorker({
  name: 'translator',
  description: 'Translates into German, word by word.',
  capabilities: [{ name: 'translation', description: 'Translates a text into German.', consumes: translate }],
})

translator.onTask(translate, (task) => {
  const words = task.data.text.toLowerCase().split(/\s+/)
  task.complete({ german: words.map((word) => DICTIONARY[word] ?? word).join(' ') })
})

await translator.run()
