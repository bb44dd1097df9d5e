import { defineWorker } from '@soma/sdk'
import { packing } from './events.ts'

const packer = defineWorker({
  name: 'packer',
  description: 'Packs boxes and says what it packed in the memory of the plan.',
})

// However many packers do so at once, each apple counts: the server adds, nobody reads and writes back.
packer.onTask(packing, async (task, { memory }) => {
  const { box, apples } = task.data
  await memory.working.increment('apples', apples)
  await memory.working.append('boxes', box)
  task.complete({ box })
})

await packer.run()
