import { aPushTarget, type Received } from '@soma/events/testing'
import { it } from 'vitest'
import { openBackend } from '../backends.ts'
import { prepare, publish, type Sent, startNode } from './nodes.ts'

const idOf = ({ headers }: Received) => String(headers['webhook-id'])
const sentIn = ({ body }: Received): Sent => {
  const { data, partitionkey } = JSON.parse(body.toString()) as { data: { number: number }; partitionkey: string }
  return { number: data.number, key: partitionkey }
}

it.concurrent.for(['nats', 'kafka'] as const)(
  'EVT-R66 with the log on %s pushing goes on after kill -9 between a post and its recorded acknowledgement: it comes again under its id, in order per key',
  { timeout: 120_000 },
  async (name, { expect, onTestFinished }) => {
    const cleanups: (() => Promise<unknown>)[] = []
    onTestFinished(async () => {
      for (const cleanup of cleanups.reverse()) await cleanup()
    }, 60_000)
    const backend = await openBackend(name, process.env['DATABASE_URL'])
    cleanups.push(backend.end)
    const { 'server.databaseUrl': databaseUrl, ...settings } = backend.settings
    const start = async () => {
      const node = await startNode(String(databaseUrl), { ...settings, 'events.pushAllowInsecure': true })
      cleanups.push(() => node.end('SIGKILL'))
      return node
    }
    const target = await aPushTarget()
    cleanups.push(target.close)
    const first = await start()
    await prepare(first.url, { push: { url: target.url } })
    const sent = Array.from({ length: 12 }, (_, number) => ({ number, key: `key-${number % 3}` }))
    await publish(() => [first.url], sent)
    const answered = [await target.next(), await target.next()]
    answered[0]?.answer(204)
    // The target has handled this one, and the process dies before it can know.
    const handled = answered[1] as Received
    await first.end('SIGKILL')
    target.answers = 204

    await start()
    const again = await target.next()
    expect(idOf(again)).toBe(idOf(handled))
    expect(again.body.equals(handled.body)).toBe(true)
    expect(again.headers).toMatchObject({ 'soma-attempt': '1', 'soma-redelivered': 'true' })
    while (new Set(target.received.map(idOf)).size < sent.length) await target.next()
    const once = [...new Map(target.received.map((post) => [idOf(post), sentIn(post)])).values()]
    for (const key of new Set(sent.map((each) => each.key)))
      expect(once.filter((each) => each.key === key)).toEqual(sent.filter((each) => each.key === key))
    expect(once).toHaveLength(sent.length)
  },
)
