import { createClients } from '@soma/sdk/clients'

/** Publishes the request that its argument says, waits for the reply and prints it: what a TypeScript program sees of an agent in Python. */
interface Asked {
  readonly type: string
  readonly data: { readonly name: string }
  readonly correlationId: string
  readonly responseType: string
}

const { type, data, correlationId, responseType } = JSON.parse(process.argv[2] as string) as Asked
const { events } = createClients({ url: process.env.SOMA_URL as string }).events
await events.publish({
  body: { type, data, correlationId, responseType, topic: 'action-requests', responseTopic: 'action-results' },
})
process.stdout.write('published\n')
const query = { topics: 'action-results', types: responseType, correlationId, from: 'earliest' }
for await (const frame of await events.stream({ query, signal: AbortSignal.timeout(90_000) })) {
  if (frame.event !== 'event') continue
  process.stdout.write(`${JSON.stringify(frame.data)}\n`)
  process.exit(0)
}
