import type { Database, LogRecord } from '@soma/kernel'

/** NOTIFY channel of appended events. Payload: the sender, then `topic:part` by blanks; nothing after the sender = "look everywhere". */
export const LOG_CHANNEL = 'soma_log'

/** NOTIFY channel of outbox rows: wakes the process that relays. */
export const OUTBOX_CHANNEL = 'soma_outbox'

/** Below the 8,000 bytes that Postgres allows a payload. */
const MAX_PAYLOAD = 7_000
/** A notifying commit takes one database-wide lock, so a busy process sends one notice per 2 ms, not one per event. */
const PAUSE_MS = 2

/** `sender` tells a process its own notices, which tell it nothing new. */
export const payloadOf = (sender: string, places: Iterable<string>): string => {
  const payload = [sender, ...places].join(' ')
  return payload.length > MAX_PAYLOAD ? sender : payload
}

export const placeOf = (record: Pick<LogRecord, 'topic' | 'part'>): string => `${record.topic}:${record.part}`

/** Tells other processes after a commit, at once if nothing was sent in the last 2 ms, else at their end. A lost notice costs a poll interval, nothing else. */
export function createNotifier(
  database: Pick<Database, 'notify'>,
  { channel, sender }: { channel: string; sender: string },
): { announce(records: readonly Pick<LogRecord, 'topic' | 'part'>[]): void } {
  const waiting = new Set<string>()
  let sentAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  const send = () => {
    timer = undefined
    sentAt = performance.now()
    const payload = payloadOf(sender, waiting)
    waiting.clear()
    // Readers poll too, so a notice that cannot be sent is not an error of the writer, whose commit stands.
    database.notify(channel, payload).catch(() => undefined)
  }
  return {
    announce: (records) => {
      for (const record of records) waiting.add(placeOf(record))
      if (timer !== undefined) return
      const restMs = PAUSE_MS - (performance.now() - sentAt)
      if (restMs <= 0) send()
      else timer = setTimeout(send, restMs).unref()
    },
  }
}
