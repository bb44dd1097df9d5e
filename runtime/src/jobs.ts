import { setMaxListeners } from 'node:events'
import type { Database, Job, Logger } from '@soma/kernel'

/** A job's lease outlives its slowest healthy run (jobs are slices of ≤ 500 rows); a process that died frees it after this. */
const LEASE_MS = 30_000
/** A process that has the lease asks for it again after so long: each ask is a transaction, and some jobs run every 50 ms. */
const RENEW_MS = LEASE_MS / 3

/** Runs each job on one process at a time, `everyMs` after its last end. An error is logged and the next run tries again. */
export function createJobs(options: {
  database: Database
  jobs: readonly { module: string; job: Job }[]
  processId: string
  log: Logger
}) {
  const stopping = new AbortController()
  setMaxListeners(options.jobs.length + 1, stopping.signal)
  const loops: Promise<void>[] = []
  return {
    start(): void {
      for (const entry of options.jobs) loops.push(loop(entry, { ...options, signal: stopping.signal }))
    },
    /** Waits for the runs in hand, `graceMs` at most. */
    async stop(graceMs: number): Promise<void> {
      stopping.abort()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs)
      })
      await Promise.race([Promise.all(loops), late])
      clearTimeout(timer)
    },
  }
}

interface LoopOptions {
  readonly database: Database
  readonly processId: string
  readonly log: Logger
  readonly signal: AbortSignal
}

async function loop({ module, job }: { module: string; job: Job }, options: LoopOptions): Promise<void> {
  const name = `${module}/${job.name}`
  let askAtMs = Number.NEGATIVE_INFINITY
  const hasLease = async (): Promise<boolean> => {
    const nowMs = performance.now()
    if (nowMs < askAtMs) return true
    const isHeld = await lease(name, options)
    if (isHeld) askAtMs = nowMs + RENEW_MS
    return isHeld
  }
  while (!options.signal.aborted) {
    try {
      if (await hasLease()) await job.run(options.signal)
      else job.elsewhere?.()
    } catch (error) {
      if (!options.signal.aborted) options.log.error('job failed', { job: name, error })
    }
    await pause(job.everyMs, options.signal)
  }
}

async function lease(name: string, { database, processId }: LoopOptions): Promise<boolean> {
  const rows = await database.transaction({ role: 'soma_scheduler' }, (session) =>
    session.query(LEASE, [name, processId, LEASE_MS / 1000]),
  )
  return rows.length > 0
}

const LEASE = 'select runtime.claim_lease($1, $2::uuid, $3)'

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
