import type { EventEnvelope } from '@soma/kernel'
import { type HandlerEnd, type HandlerRun, planOf, runHandlers, type RunInModule, runTogether } from './run-handlers.ts'

/** Events of one transaction: the price of its begin, its inbox and its commit is small by then, and what it has locked is soon free. */
const MOST = 64
/** A transaction of several that takes longer is given up, and each is handled alone: one that hangs is no burden of the others for longer. */
const GIVE_UP_MS = 2_000

interface Waiting {
  readonly run: HandlerRun
  readonly resolve: (end: HandlerEnd) => void
}

/**
 * Runs events whose handlers share transactions. While one of a tenant, space and user is under way, further events gather, and go together in the next: nobody waits
 * for a batch to fill. Every lane has one event in hand, so a transaction has one of each key, and the order of keys is kept. Any failure does nothing, and each is
 * handled alone: the one that fails is retried or buried as ever.
 */
export function createSharing(runInModule: RunInModule): (run: HandlerRun) => Promise<HandlerEnd> {
  const waiting = new Map<string, Waiting[]>()

  const drain = async (scope: string, queue: Waiting[]) => {
    while (queue.length > 0) {
      await runBatch(queue.splice(0, MOST))
      // Lanes that were let go bring their next events first.
      await new Promise(setImmediate)
    }
    waiting.delete(scope)
  }
  const runBatch = async (batch: readonly Waiting[]) => {
    if (batch.length === 1) return alone(batch)
    const ordered = batch.toSorted((one, other) => (placeOf(one.run) < placeOf(other.run) ? -1 : 1))
    try {
      const runs = ordered.map(({ run }) => run)
      const ends = await runTogether(runInModule, runs, Math.min(GIVE_UP_MS, ...runs.map(({ timeoutMs }) => timeoutMs)))
      for (const [index, { resolve }] of ordered.entries()) resolve(ends[index] as HandlerEnd)
    } catch {
      // Whose failure it was shows when each is handled alone; one that hangs must not hold up the next batch.
      void alone(ordered)
    }
  }
  const alone = (batch: readonly Waiting[]) =>
    Promise.all(batch.map(async ({ run, resolve }) => resolve(await runHandlers(runInModule, run))))

  return (run) =>
    new Promise((resolve) => {
      const scope = scopeOf(run.event)
      const queue = waiting.get(scope)
      if (queue !== undefined) {
        queue.push({ run, resolve })
        return
      }
      const begun = [{ run, resolve }]
      waiting.set(scope, begun)
      // What came with it is handed over in the same turn.
      setImmediate(() => void drain(scope, begun))
    })
}

const scopeOf = ({ tenantid, spaceid, userid }: EventEnvelope): string => JSON.stringify([tenantid, spaceid, userid])

/** All processes lock in this order, so two of their transactions do not wait for each other. */
const placeOf = (run: HandlerRun): string => `${planOf(run)}\0${run.place.key}`
