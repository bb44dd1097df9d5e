import { defineAgent } from '@soma/sdk'
import { reserved, paid } from './events.ts'

const till = defineAgent({ name: 'till', description: 'Takes the money for what is set aside.', produces: [paid] })

till.onEvent(reserved, async (event, { bus }) => {
  await bus.publish(paid, event.data)
})

await till.run()
