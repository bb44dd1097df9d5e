import { defineAgent } from '@soma/sdk'
import { placed, reserved } from './events.ts'

const stock = defineAgent({ name: 'stock', description: 'Sets the goods of an order aside.', produces: [reserved] })

stock.onEvent(placed, async (event, { bus }) => {
  await bus.publish(reserved, event.data)
})

await stock.run()
