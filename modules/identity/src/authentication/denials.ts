import type { Logger, ModuleDatabase } from '@soma/kernel'
import { authDecided, PLATFORM_TENANT } from '../../contract/index.ts'

/** Equal refusals of one second are one event: attackers cannot flood the log. */
const WINDOW_MS = 1000
/** Distinct (address, reason) pairs of one second; a flood from more addresses is counted together. */
const MAXIMUM_PAIRS = 1000

export interface Denial {
  readonly method: string
  readonly reason: string
  readonly ip: string
  readonly credentialId?: string | undefined
  readonly tenantId?: string | undefined
  readonly operation?: string | undefined
  readonly userAgent?: string | undefined
}

/** Records refused authentications as `auth.decided` of the tenant `platform`, merged per address and reason. What is pending is all that a crash may lose. */
export interface Denials {
  add(denial: Denial): void
  start(): void
  stop(): Promise<void>
}

export function createDenials({
  database,
  log,
  mode,
}: {
  database: ModuleDatabase
  log: Logger
  mode: string
}): Denials {
  let pending = new Map<string, { denial: Denial; count: number }>()
  let timer: NodeJS.Timeout | undefined

  const flush = async () => {
    const batch = [...pending.values()]
    pending = new Map()
    if (batch.length === 0) return
    try {
      await database.asWorker(database.moduleContext(PLATFORM_TENANT), async (tx) => {
        for (const { denial, count } of batch)
          tx.emit(authDecided, { ...denial, outcome: 'denied', mode, count }, { partitionKey: denial.ip })
      })
    } catch (error) {
      log.error('refused authentications were not recorded', { error, count: batch.length })
    }
  }

  return {
    add: (denial) => {
      const key = pending.size < MAXIMUM_PAIRS ? `${denial.ip}\n${denial.reason}` : `\n${denial.reason}`
      const known = pending.get(key)
      pending.set(key, { denial: known?.denial ?? denial, count: (known?.count ?? 0) + 1 })
    },
    start: () => {
      timer = setInterval(() => void flush(), WINDOW_MS)
      timer.unref()
    },
    stop: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}
