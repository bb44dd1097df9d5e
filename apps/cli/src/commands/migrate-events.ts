import { withoutUndefined } from '@soma/kernel'
import { moveEvents, somaPlatform } from '@soma/server'
import { fieldsView } from '../output/view.ts'
import { readServerSettings } from '../project-file.ts'
import type { Handling } from '../session.ts'

interface MigrateFlags {
  readonly from: 'postgres' | 'nats' | 'kafka'
  readonly to: 'postgres' | 'nats' | 'kafka'
  readonly data?: string
}

const NOTE_EVERY_MS = 2_000

interface Moved {
  readonly from: string
  readonly to: string
  readonly copied: number
}

const movedView = fieldsView<Moved>(
  ({ from, to, copied }) => [
    { name: 'from', value: from },
    { name: 'to', value: to },
    { name: 'copied', value: `${copied} events` },
    { name: 'next', value: `set events.bus to ${to} and start` },
  ],
  ({ to }) => [to],
)

/** Moves the events of a stopped installation to another bus, in this process. Interrupted, it goes on when it is called again. */
export async function migrateEvents({ session, flags }: Handling<MigrateFlags>): Promise<void> {
  const { from, to, data } = flags
  const { note, result } = session.printer
  let copied = 0
  let notedAt = performance.now()
  const moved = await moveEvents({
    platform: somaPlatform,
    sources: {
      flags: withoutUndefined({ 'server.dataDirectory': data }),
      environment: process.env,
      file: await readServerSettings(),
    },
    from,
    to,
    onCopied: (records) => {
      copied += records
      if (performance.now() - notedAt < NOTE_EVERY_MS) return
      notedAt = performance.now()
      note(`${copied} events copied`)
    },
  })
  if (from === to)
    return note(moved.isTakenBack ? `the move was taken back: the log is on ${to}` : `the log is on ${to}`)
  await result({ from, to, copied: moved.copied }, movedView)
}
