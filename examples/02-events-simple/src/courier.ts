import { defineAgent } from '@soma/sdk'
import { paid, shipped } from './events.ts'

const courier = defineAgent({ name: 'courier', description: 'Sends what is paid.', produces: [shipped] })

courier.onEvent(paid, async (event, { bus }) => {
  await bus.publish(shipped, event.data)
})

await courier.run()
