/** Publishes events in every content mode of the CloudEvents SDK for JavaScript and prints what the SDK reads back. Input and output: see programs.ts. */
import { text } from 'node:stream/consumers'
import { type CloudEvent, type CloudEventV1, HTTP, type Message } from 'cloudevents'

const [server] = process.argv.slice(2) as [string]
const STRUCTURED = { 'content-type': 'application/cloudevents+json' }

const read = (body: string): CloudEvent<unknown> => HTTP.toEvent({ headers: STRUCTURED, body }) as CloudEvent<unknown>

/** Bytes as bytes: the SDK reads them as numbers of 32 bits. */
const named = (event: CloudEvent<unknown>, mode: string): CloudEvent<unknown> =>
  event.cloneWith({
    id: `${event.id}-${mode}`,
    ...(event.data_base64 === undefined ? {} : { data: new Uint8Array(Buffer.from(event.data_base64, 'base64')) }),
  })

async function post(path: string, { headers, body }: Pick<Message, 'headers' | 'body'>): Promise<void> {
  const text = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)])
  const answer = await fetch(server + path, { method: 'POST', headers: text, body: (body ?? null) as BodyInit | null })
  if (!answer.ok) throw new Error(`${JSON.stringify(headers)} ${answer.status} ${await answer.text()}`)
}

async function stored({ id, source }: CloudEventV1<unknown>): Promise<CloudEvent<unknown>> {
  const answer = await fetch(`${server}/v1/events/${encodeURIComponent(id)}?source=${encodeURIComponent(source)}`)
  return read(await answer.text())
}

const everything = (JSON.parse(await text(process.stdin)) as unknown[]).map((event) => read(JSON.stringify(event)))
const batch: CloudEvent<unknown>[] = []
for (const event of everything) {
  await post('/v1/events', HTTP.structured(named(event, 'structured')))
  await post('/v1/events', HTTP.binary(named(event, 'binary')))
  batch.push(named(event, 'batch'))
}
const headers = { 'content-type': 'application/cloudevents-batch+json' }
await post('/v1/events/batch', { headers, body: JSON.stringify(batch) })
for (const event of everything)
  for (const mode of ['structured', 'binary', 'batch']) {
    const back = await stored(named(event, mode))
    if (!back.validate()) throw new Error(`${back.id} is no valid event`)
    process.stdout.write(`${back.toString()}\n`)
  }
