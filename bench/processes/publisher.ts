/** Publishes events of 1.5 KB over HTTP when it is told to, by a client that costs little. */
import autocannon from 'autocannon'
import { aLoadEvent } from '../load-event.ts'
import { given, tell } from './forked.ts'

export interface PublisherGiven {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** So many events, so many in a request, so many requests at once. */
export interface PublishOrder {
  readonly events: number
  readonly batch: number
  readonly atOnce: number
}

const { url, headers } = await given<PublisherGiven>()
process.on('message', (order: PublishOrder) => void publish(order).then((perSecond) => tell({ perSecond })))
tell({ isReady: true })

async function publish({ events, batch, atOnce }: PublishOrder): Promise<number> {
  let number = 0
  const bodyOf = () =>
    batch === 1 ? aLoadEvent(number++) : { events: Array.from({ length: batch }, () => aLoadEvent(number++)) }
  const startedAt = performance.now()
  const result = await autocannon({
    url,
    connections: atOnce,
    amount: events / batch,
    timeout: 60,
    requests: [
      {
        method: 'POST',
        path: batch === 1 ? '/v1/events' : '/v1/events/batch',
        headers: { ...headers, 'content-type': 'application/json' },
        setupRequest: (request) => ({ ...request, body: JSON.stringify(bodyOf()) }),
      },
    ],
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} publishes were refused and ${result.errors} failed`)
  return (events * 1_000) / (performance.now() - startedAt)
}
