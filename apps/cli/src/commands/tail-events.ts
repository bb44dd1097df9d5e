import { type EventEnvelope, keyOf, withoutUndefined } from '@soma/kernel'
import type { Clients } from '@soma/sdk/clients'
import { EXIT } from '../failure.ts'
import { followStream } from '../follow-stream.ts'
import { onInterrupt } from '../on-interrupt.ts'
import { cleanLine } from '../output/clean-text.ts'
import type { Handling, Session } from '../session.ts'

interface TailFlags {
  readonly topic?: string
  readonly type?: string
  readonly key?: string
  readonly plan?: string
  readonly session?: string
  readonly correlation?: string
  readonly since?: string
  readonly from?: string
  readonly count?: number
  readonly reconnect?: number
}

/** Prints events as they come, over restarts of the server, until so many came or Ctrl-C. */
export async function tailEvents({ session, flags, program }: Handling<TailFlags>): Promise<number> {
  const { clients } = await session.connect()
  let cursor: string | undefined
  const detach = onInterrupt(() =>
    session.printer.note(cursor === undefined ? 'ended' : `ended; \`${program} events tail --from ${cursor}\` goes on`),
  )
  const frames = followStream({
    open: opener(clients, flags, detach.signal),
    reconnectMs: flags.reconnect ?? 60_000,
    signal: detach.signal,
    note: session.printer.note,
  })
  let printed = 0
  for await (const frame of frames) {
    cursor = frame.id ?? cursor
    const event = frame.data as EventEnvelope
    if (flags.key !== undefined && keyOf(event) !== flags.key) continue
    await printEvent(session, event)
    printed += 1
    if (printed === flags.count) return EXIT.done
  }
  return detach.signal.aborted ? EXIT.interrupted : EXIT.done
}

function opener(clients: Clients, flags: TailFlags, signal: AbortSignal) {
  const startedAt = new Date().toISOString()
  const first = flags.from ?? flags.since
  let attempts = 0
  return (lastEventId: string | undefined) => {
    attempts += 1
    /** A tail that was cut before its first event begins again where it began, not at the head. */
    const from = first ?? (attempts === 1 ? undefined : startedAt)
    const query = withoutUndefined({
      topics: flags.topic,
      types: flags.type,
      planId: flags.plan,
      sessionId: flags.session,
      correlationId: flags.correlation,
      from,
    })
    return clients.events.events.stream({ query, signal, ...withoutUndefined({ lastEventId }) })
  }
}

async function printEvent({ printer }: Session, event: EventEnvelope): Promise<void> {
  const time = printer.isTerminal ? new Date(event.time).toLocaleTimeString() : event.time
  const cells = [time, event.topic, event.type, keyOf(event), event.id].map(cleanLine)
  await printer.item(event, { text: cells.join(printer.isTerminal ? '  ' : '\t'), id: event.id })
}
