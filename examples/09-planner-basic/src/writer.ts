import { defineWorker } from '@soma/sdk'
import { drafting, shortening } from './events.ts'

const writer = defineWorker({ name: 'writer', description: 'Writes texts and makes them shorter.' })

const counted = (text: string) => ({ text, words: text.split(' ').length })

writer.onTask(drafting, (task) => task.complete(counted(`All about ${task.data.topic}`)))

writer.onTask(shortening, (task) => {
  if (!task.data.text.startsWith('All about ')) task.fail({ code: 'nothing-to-cut', detail: 'it is short already' })
  else task.complete(counted(task.data.text.replace('All about ', '')))
})

await writer.run()
