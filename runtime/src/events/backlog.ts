import type { Database, Logger } from '@soma/kernel'
import { outboxBacklog } from './outbox-shipping.ts'

export interface Backlog {
  /** Outbox rows that should be in the log by now. */
  readonly rows: number
  readonly oldestAgeMs: number
}

/** Keeps the last known backlog of the outbox, so that the request path need not count. */
export function watchBacklog({
  database,
  log,
  everyMs = 1_000,
}: {
  database: Database
  log: Logger
  everyMs?: number
}) {
  let known: Backlog = { rows: 0, oldestAgeMs: 0 }
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let counting = Promise.resolve()

  const count = async () => {
    try {
      known = await outboxBacklog(database)
    } catch (error) {
      log.warn('the outbox could not be counted; its last known backlog stands', { error })
    }
    if (!stopped) timer = setTimeout(run, everyMs).unref()
  }
  const run = () => {
    counting = count()
  }
  run()
  return {
    current: (): Backlog => known,
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await counting
    },
  }
}
