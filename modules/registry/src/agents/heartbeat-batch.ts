import type { Context, ModuleDatabase } from '@soma/kernel'
import type { Sign } from './store.ts'
import { touchAll, type TouchedRow, type WantedTouch } from './touch-all.ts'

/** A node writes at most one statement of signs in this time (REG-R36). */
const EVERY_MS = 250
/** Bounds the statement; the rest goes with the next one. */
const MOST_SIGNS = 4000
/** How often a sign is written before whoever gave it is told that it was not. */
const TRIES = 3

export interface HeartbeatBatch {
  /** Moves the lease of the instance. Undefined: it is not known, or belongs to somebody else. A sign that changes health is answered and not written. */
  touch(context: Context, sign: Sign, principalId: string | null): Promise<TouchedRow | undefined>
}

interface Entry extends WantedTouch {
  tries: number
  resolve(row: TouchedRow | undefined): void
  reject(error: unknown): void
}

/** Signs of all tenants that come within a quarter of a second are one statement; the first after a pause does not wait. */
export function createHeartbeatBatch({
  database,
  leaseMs,
}: {
  database: Pick<ModuleDatabase, 'asScheduler'>
  leaseMs: number
}): HeartbeatBatch {
  let waiting: Entry[] = []
  let isPlanned = false
  let writtenAtMs = Number.NEGATIVE_INFINITY

  const plan = () => {
    if (isPlanned || waiting.length === 0) return
    isPlanned = true
    setTimeout(() => void write(), Math.max(0, writtenAtMs + EVERY_MS - performance.now()))
  }
  const write = async () => {
    writtenAtMs = performance.now()
    const [batch, rest] = takeOneEach(waiting)
    waiting = rest
    try {
      const rows = new Map(
        (await database.asScheduler((session) => touchAll(session, batch, leaseMs))).map((row) => [row.index, row]),
      )
      batch.forEach((entry, index) => {
        entry.resolve(rows.get(index))
      })
    } catch (error) {
      const [again, given] = [batch.filter(({ tries }) => tries < TRIES), batch.filter(({ tries }) => tries >= TRIES)]
      waiting = [...again, ...waiting]
      for (const entry of given) entry.reject(error)
    }
    isPlanned = false
    plan()
  }
  return {
    touch: ({ tenantId, spaceId }, sign, principalId) =>
      new Promise((resolve, reject) => {
        waiting.push({ ...sign, tenantId, spaceId, principalId, tries: 0, resolve, reject })
        plan()
      }),
  }
}

/** Of each instance the sign that came first: those that follow keep their order. */
function takeOneEach(entries: readonly Entry[]): [Entry[], Entry[]] {
  const seen = new Set<string>()
  const [taken, left]: [Entry[], Entry[]] = [[], []]
  for (const entry of entries) {
    const key = `${entry.tenantId}\0${entry.instanceId}`
    if (taken.length === MOST_SIGNS || seen.has(key)) left.push(entry)
    else {
      entry.tries += 1
      taken.push(entry)
    }
    seen.add(key)
  }
  return [taken, left]
}
