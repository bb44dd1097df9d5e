import { type Database, eraseData, HOLE, type Logger, type LogRecord } from '@soma/kernel'

/** NOTIFY channel: an erasure has ended. What it erased stands in the table. */
const CHANNEL = 'soma_erased'
/** A notice may be lost with its connection; memory shall still forget within seconds. */
const LOOK_EVERY_MS = 5_000
/** A row may become visible so long after its time: no erasure commits later than that after its last statement. */
const COMMIT_MS = 60_000

/** Whose events were erased: one user's, or with `userId` '' the whole tenant's. */
export interface ErasedSubject {
  readonly tenantId: string
  readonly userId: string
}

/** What an erasure leaves of a record. */
export function eraseRecord(record: LogRecord, { tenantId, userId }: ErasedSubject): LogRecord {
  if (record.tenantId !== tenantId) return record
  if (userId === '') return { ...record, ...HOLE }
  return record.userId === userId ? { ...record, envelope: eraseData(record.envelope) } : record
}

/** Tells every process what was erased, so that nothing of it stays in memory. */
export interface Erasures {
  start(): Promise<void>
  stop(): Promise<void>
  /** After the commit of an erasure: every process looks now. */
  announce(): Promise<void>
  /** Calls the listener within seconds after an erasure ended, wherever it ran; answers what ends it. It may hear one twice. */
  onErased(listener: (subject: ErasedSubject) => void): () => void
}

export function createErasures(database: Database, log: Logger): Erasures {
  const listeners = new Set<(subject: ErasedSubject) => void>()
  const told = new Map<string, number>()
  let lookedAt = performance.now()
  let looking: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let endListening: (() => Promise<void>) | undefined

  const lookOnce = async () => {
    const startedAt = performance.now()
    const rows = await database.transaction({ role: 'soma_bus' }, (session) =>
      session.query<ErasedSubject & { endedAt: Date }>(
        `select tenant_id as "tenantId", user_id as "userId", ended_at as "endedAt" from events.erasures
          where ended_at > clock_timestamp() - $1::float8 * interval '1 millisecond'`,
        [startedAt - lookedAt + COMMIT_MS],
      ),
    )
    const before = new Map(told)
    told.clear()
    for (const { tenantId, userId, endedAt } of rows) {
      const name = `${tenantId}\0${userId}`
      told.set(name, endedAt.getTime())
      if (before.get(name) === endedAt.getTime()) continue
      for (const listener of listeners) listener({ tenantId, userId })
    }
    lookedAt = startedAt
  }
  const look = () => {
    looking = looking.then(lookOnce).catch((error: unknown) => {
      log.warn('erasures could not be read; the next look tries again', { error })
    })
  }
  return {
    start: async () => {
      endListening = await database.listen(CHANNEL, look)
      timer = setInterval(look, LOOK_EVERY_MS).unref()
    },
    stop: async () => {
      clearInterval(timer)
      await endListening?.()
      await looking
    },
    announce: () => database.notify(CHANNEL, ''),
    onErased: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
