import { performance } from 'node:perf_hooks'
import type { Database, ReadyCheck } from '@soma/kernel'
import type { Composition, ReadyReport } from '@soma/runtime'
import type { EventSpine } from './event-spine.ts'

/** A check that has not answered by then counts as failed. */
const CHECK_MS = 2_000

/** What `/ready` asks: the database, then every check of the hosted modules, at once. A bus that is away degrades: requests are still served, from the outbox. */
export function createReadiness(options: {
  composition: Composition
  database: Database
  spine: Pick<EventSpine, 'busFault'>
  /** Of the process itself. */
  own: readonly ReadyCheck[]
  isDraining: () => boolean
}): () => Promise<ReadyReport> {
  const checks: ReadyCheck[] = [
    { name: 'database', check: () => options.database.ping().then(() => undefined) },
    ...options.own,
    ...options.composition.modules.flatMap((module) =>
      module.ready.map(({ name, check }) => ({ name: `${module.name}.${name}`, check })),
    ),
  ]
  return async () => {
    const results = await Promise.all(checks.map(run))
    if (options.isDraining()) return { status: 'draining', checks: results }
    if (!results.every(({ ok }) => ok)) return { status: 'not-ready', checks: results }
    const fault = options.spine.busFault()
    if (fault === undefined) return { status: 'ready', checks: results }
    return { status: 'degraded', checks: [...results, { name: 'bus', ok: false, detail: fault, ms: 0 }] }
  }
}

async function run({ name, check }: ReadyCheck): Promise<ReadyReport['checks'][number]> {
  const startedAt = performance.now()
  const reason = await Promise.race([settle(check), timeout()])
  const ms = Math.round(performance.now() - startedAt)
  return reason === undefined ? { name, ok: true, ms } : { name, ok: false, detail: reason, ms }
}

async function settle(check: ReadyCheck['check']): Promise<string | undefined> {
  try {
    return await check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const timeout = (): Promise<string> =>
  new Promise((resolve) => setTimeout(() => resolve(`no answer in ${CHECK_MS} ms`), CHECK_MS).unref())
