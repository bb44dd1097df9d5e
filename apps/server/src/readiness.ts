import { performance } from 'node:perf_hooks'
import type { Database, ReadyCheck } from '@soma/kernel'
import type { Composition, ReadyReport } from '@soma/runtime'

/** A check that has not answered by then counts as failed. */
const CHECK_MS = 2_000

/** What `/ready` asks: the database, then every check of the hosted modules, at once. */
export function createReadiness(options: {
  composition: Composition
  database: Database
  isDraining: () => boolean
}): () => Promise<ReadyReport> {
  const checks: ReadyCheck[] = [
    { name: 'database', check: () => options.database.ping().then(() => undefined) },
    ...options.composition.modules.flatMap((module) =>
      module.ready.map(({ name, check }) => ({ name: `${module.name}.${name}`, check })),
    ),
  ]
  return async () => {
    const results = await Promise.all(checks.map(run))
    if (options.isDraining()) return { status: 'draining', checks: results }
    return { status: results.every(({ ok }) => ok) ? 'ready' : 'not-ready', checks: results }
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
