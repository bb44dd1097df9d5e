import { createInbox, headers, type Msg } from '@nats-io/transport-node'
import type { LogRecord } from '@soma/kernel'
import { type Connection, unavailable } from './connection.ts'
import { type StoredMessage, toRecord } from './message.ts'
import { type StreamNames, streamOf } from './streams.ts'

/** The servers stop a batch at 64 MB; ours stay below what a client should hold at once. */
const BATCH_BYTES = 8 * 1024 * 1024
/** Between two messages of a batch. */
const SILENCE_MS = 5_000
const END_OF_BATCH = 204
const NOTHING_FOUND = 404

export interface Place {
  readonly topic: string
  readonly part: number
}

/** Reads from a position by direct gets: no consumer on the server, any replica may answer. */
export async function readAfter(
  connection: Connection,
  names: StreamNames,
  from: Place & { readonly position: number; readonly limit: number },
): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (let next = from.position + 1, pending = 1; records.length < from.limit && pending > 0; ) {
    const wanted = { seq: next, batch: from.limit - records.length, max_bytes: BATCH_BYTES }
    const messages = await getBatch(connection, streamOf(names, from.topic, from.part), wanted)
    const last = messages.at(-1)
    if (last === undefined) break
    records.push(...messages.map(toRecord))
    next = last.seq + 1
    pending = last.pending
  }
  return records
}

/** The position of the first record at or after a time; undefined when there is none. */
export async function firstSince(
  connection: Connection,
  names: StreamNames,
  at: Place & { readonly time: Date },
): Promise<number | undefined> {
  const wanted = { start_time: at.time, batch: 1 }
  const [first] = await getBatch(connection, streamOf(names, at.topic, at.part), wanted)
  return first?.seq
}

type Wanted = ({ readonly seq: number } | { readonly start_time: Date }) & {
  readonly batch: number
  readonly max_bytes?: number
}

/** By hand, because the client's own never ends when the answer's end is lost. */
function getBatch({ nats, call }: Connection, stream: string, wanted: Wanted): Promise<BatchMessage[]> {
  const collect = () =>
    new Promise<BatchMessage[]>((resolve, reject) => {
      const messages: BatchMessage[] = []
      const inbox = createInbox()
      const subscription = nats.subscribe(inbox, {
        callback: (error, message) => {
          const code = message.headers?.code ?? 0
          if (error !== null) end(() => reject(error))
          else if (code === END_OF_BATCH || code === NOTHING_FOUND) end(() => resolve(messages))
          else if (code !== 0) end(() => reject(new Error(`${code} ${message.headers?.description ?? ''}`)))
          else messages.push(toStored(message))
          silence.refresh()
        },
      })
      const end = (settle: () => void) => {
        clearTimeout(silence)
        subscription.unsubscribe()
        settle()
      }
      const silence = setTimeout(() => end(() => reject(unavailable(`${stream} does not answer`))), SILENCE_MS)
      nats.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(wanted), { reply: inbox })
    })
  return call(`${stream} could not be read`, collect)
}

interface BatchMessage extends StoredMessage {
  /** Messages of the stream behind it. */
  readonly pending: number
}

function toStored({ headers: given, data }: Msg): BatchMessage {
  const header = given ?? headers()
  return {
    data,
    header,
    subject: header.last('Nats-Subject'),
    seq: Number(header.last('Nats-Sequence')),
    time: new Date(header.last('Nats-Time-Stamp')),
    pending: Number(header.last('Nats-Num-Pending')),
  }
}
