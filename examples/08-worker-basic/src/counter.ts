import { defineWorker } from '@soma/sdk'
import { count } from './events.ts'

const counter = defineWorker({ name: 'counter', description: 'Counts the words of one text.' })

counter.onTask(count, (task) => {
  const words = task.data.text.match(/\S+/g)
  if (words === null) task.fail({ code: 'nothing-to-count', detail: 'the text has no words' })
  else task.complete({ words: words.length })
})

await counter.run()
