import type { Json, Logger, Metrics, ModuleDatabase, SqlSession } from '@soma/kernel'
import { actingFor } from '../access.ts'
import { applyLetter, asLetter } from '../mail/letters.ts'
import { countTransition } from '../transition/change.ts'
import { lockPlan } from '../transition/read.ts'
import { beginTransition } from '../transition/transition.ts'
import { writeTransition } from '../transition/write.ts'
import { fireTimer } from './fire.ts'

interface DuePlan {
  readonly tenant_id: string
  readonly plan_id: string
  /** Its timers up to here; absent: mail alone. */
  readonly until?: Date
}

const PLANS_PER_SWEEP = 200
const LETTERS_PER_TRANSITION = 500
const ROUNDS_PER_SWEEP = 20

/**
 * Fires due timers and applies letters of all tenants, plan by plan, each in the plan's own scope. The scheduler role sees who is due, never what is in it.
 * A plan that throws is logged and does not hold up the others; its timer stays due.
 */
export function createSweep({ database, log, metrics }: { database: ModuleDatabase; log: Logger; metrics: Metrics }) {
  return async (signal?: AbortSignal): Promise<number> => {
    let swept = 0
    for (let round = 0; round < ROUNDS_PER_SWEEP; round++) {
      const due = await database.asScheduler(findDue)
      let failed = 0
      for (const plan of due) {
        if (signal?.aborted) return swept
        try {
          await sweepPlan(plan, { database, metrics })
          swept += 1
        } catch (error) {
          failed += 1
          log.error('plan could not be swept', { planId: plan.plan_id, error })
        }
      }
      if (due.length === failed) break
    }
    return swept
  }
}

/** In due order over all plans, so that what was due while all was down happens in the order in which it should have. */
async function findDue(session: SqlSession): Promise<DuePlan[]> {
  const timers = await session.query<DuePlan & { run_at: Date }>(
    "select tenant_id, plan_id, run_at from plans.work where queue = '' and kind = 'timer' and lease_owner is null and run_at <= now() order by run_at, plan_id limit $1",
    [PLANS_PER_SWEEP],
  )
  const mail = await session.query<DuePlan>(
    'select distinct tenant_id, plan_id from (select tenant_id, plan_id from plans.inbox limit $1) mail',
    [PLANS_PER_SWEEP],
  )
  const due: DuePlan[] = []
  for (const { tenant_id, plan_id, run_at } of timers) {
    const last = due.at(-1)
    if (last?.plan_id === plan_id && last.tenant_id === tenant_id) due.pop()
    due.push({ tenant_id, plan_id, until: run_at })
  }
  return [...due, ...mail]
}

/** Two transactions: the first learns whose plan it is, the second works in that scope. */
async function sweepPlan(
  due: DuePlan,
  { database, metrics }: { database: ModuleDatabase; metrics: Metrics },
): Promise<void> {
  const module = database.moduleContext(due.tenant_id)
  const found = await database.asWorker(module, async (tx) => {
    const locked = await lockPlan(tx, due.plan_id)
    if (locked === undefined) await tx.execute('delete from plans.inbox where plan_id = $1', [due.plan_id])
    return locked?.plan
  })
  if (found === undefined) return
  const context = {
    ...actingFor(module, found),
    traceparent: found.doc.traceparent,
    constitutionHash: found.doc.constitutionHash,
  }
  const startedAtMs = performance.now()
  const done = await database.asWorker(context, async (tx) => {
    const locked = await lockPlan(tx, due.plan_id)
    if (locked === undefined) return undefined
    const transition = beginTransition(locked.plan, { at: locked.at, byId: context.principal.id })
    const letters = await tx.query<{ id: number; kind: string; data: Json }>(
      'select id, kind, data from plans.inbox where plan_id = $1 order by id limit $2',
      [due.plan_id, LETTERS_PER_TRANSITION],
    )
    for (const letter of letters) await applyLetter(transition, tx, asLetter(letter.kind, letter.data))
    if (letters.length > 0)
      await tx.execute('delete from plans.inbox where plan_id = $1 and id = any($2::int8[])', [
        due.plan_id,
        letters.map((letter) => letter.id),
      ])
    const timers = await tx.query<{ key: string; run_at: Date }>(
      "select key, run_at from plans.work where plan_id = $1 and kind = 'timer' and queue = '' and run_at <= $2 order by run_at, key",
      [due.plan_id, due.until ?? new Date(0)],
    )
    for (const timer of timers) await fireTimer(transition, tx, timer.key)
    await writeTransition(tx, transition)
    return { transition, lagsMs: timers.map((timer) => locked.at.getTime() - timer.run_at.getTime()) }
  })
  if (done === undefined) return
  countTransition(metrics, done.transition, performance.now() - startedAtMs)
  for (const lagMs of done.lagsMs) metrics.observe('soma_plans_timer_lag_seconds', lagMs / 1000)
}
