import { type AnyEvent, defineWorker } from '@soma/sdk'
import * as z from 'zod'
import { outage, refund, ticket } from './events.ts'
import { model } from './model.ts'

const KINDS: readonly AnyEvent[] = [refund, outage]
const choice = z.object({ type: z.enum([refund.type, outage.type]), data: z.record(z.string(), z.json()) })
const instructions = [
  'Say what the message is, as {"type", "data"}:',
  ...KINDS.map(({ type, description }) => `${type}: ${description}`),
].join('\n')

const router = defineWorker({ name: 'router', description: 'Makes events of messages.', produces: [refund, outage] })

router.onTask(ticket, async (task, { bus, toolkit, signal }) => {
  const question = { instructions, prompt: task.data.text, answer: z.toJSONSchema(choice) }
  const { type, data } = choice.parse(JSON.parse(String(await model(question, { signal }))))
  const kind = KINDS.find((known) => known.type === type) as AnyEvent
  // What the model said is held against the registered schema before anybody hears it.
  const fit = await toolkit.createPayload(kind, data)
  if (!fit.fits) return task.fail({ code: 'schema-mismatch', detail: `${type} ${fit.text}` })
  await bus.publish(kind, data)
  task.complete({ type })
})

await router.run()
