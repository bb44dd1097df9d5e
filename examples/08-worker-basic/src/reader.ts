import { defineWorker, spec } from '@soma/sdk'
import { count, counted, survey } from './events.ts'

const reader = defineWorker({ name: 'reader', description: 'Has several texts counted at the same time.' })

// The handler ends here: the task is saved, and this process may die until the answers come.
reader.onTask(survey, (task) => {
  task.delegateParallel(task.data.texts.map((text) => spec(count, { text })))
})

// Of the results of a group one sees that all are there, whichever replica it comes to.
reader.onResult(counted, async ({ group, restoreTask }) => {
  const task = await restoreTask()
  if (task === undefined || group?.done !== true) return
  const [problem] = group.problems
  if (problem !== undefined) task.fail(problem)
  else task.complete({ words: group.results.map((result) => (result as { words: number }).words) })
})

await reader.run()
