import { type SqlSession, toId } from '@soma/kernel'
import type { Eta } from '../../contract/index.ts'
import type { PlanModel, TaskModel } from '../projection/models.ts'
import { hasEnded } from '../projection/rank.ts'
import { TASK_COLUMNS, type TaskModelRecord, taskModelOf } from '../projection/store.ts'
import { estimateRest, type OpenTask } from './estimate.ts'
import type { Reckoning } from './plan-share.ts'
import { OF_SEEN_PLAN } from './store.ts'

type Answer =
  | { readonly eta: Eta }
  | { readonly eta: null; readonly reason: 'not-enough-history' | 'nothing-open' | 'ended' | 'paused' }

/** Open tasks that an estimate looks at; a plan with more has no estimate that anybody waits for. */
const MOST_TASKS = 500
/** Newest past tasks of a kind. */
const MOST_SAMPLES = 200

/** From the open tasks that are known: what a planner has not asked for yet is not in it. */
export async function readEta(tx: SqlSession, plan: PlanModel, rules: Reckoning): Promise<Answer> {
  if (hasEnded(plan.status)) return { eta: null, reason: 'ended' }
  if (plan.status === 'paused') return { eta: null, reason: 'paused' }
  const open = await listOpen(tx, plan.id)
  const gates = open.flatMap(({ status, doc }) =>
    status === 'waiting' && doc.gateId !== undefined ? [doc.gateId] : [],
  )
  const working = open.filter((task) => task.status !== 'waiting' || task.doc.gateId === undefined)
  if (working.length === 0) return { eta: null, reason: 'nothing-open' }
  const kinds = new Map(working.map((task) => [kindOf(task), task]))
  const pasts = new Map<string, Past>()
  for (const [kind, task] of kinds) {
    const past = await readPast(tx, task, rules)
    if (past === undefined) return { eta: null, reason: 'not-enough-history' }
    pasts.set(kind, past)
  }
  const tasks = working.map((task) => openTask(task, pasts.get(kindOf(task)) as Past, rules.now))
  const { p10Ms, p50Ms, p90Ms } = estimateRest(tasks, plan.id)
  const at = (ms: number) => new Date(rules.now.getTime() + ms).toISOString()
  const used = [...pasts.values()]
  return {
    eta: {
      p10At: at(p10Ms),
      p50At: at(p50Ms),
      p90At: at(p90Ms),
      basis: {
        level: used.some(({ level }) => level === 'type') ? 'type' : 'type-and-agent',
        samples: Math.min(...used.map(({ runMs }) => runMs.length)),
      },
      excludes: gates,
    },
  }
}

const typeOf = ({ doc }: TaskModel): string => doc.type ?? doc.capability ?? ''
const kindOf = (task: TaskModel): string => JSON.stringify([typeOf(task), task.doc.agent?.name ?? ''])

interface Past {
  readonly level: Eta['basis']['level']
  /** Sorted. */
  readonly runMs: readonly number[]
  readonly wholeMs: readonly number[]
}

async function listOpen(tx: SqlSession, planId: string): Promise<TaskModel[]> {
  const rows = await tx.query<TaskModelRecord>(
    `select ${TASK_COLUMNS} from tracker.tasks t where t.plan_id = $1 and t.ended_at is null and t.status not in ('completed', 'failed', 'cancelled') order by t.sort_at, t.id limit $2`,
    [planId, MOST_TASKS],
  )
  return rows.map(taskModelOf)
}

/** By type and agent where both are known and there is enough, else by type. Of plans that the caller sees. */
async function readPast(tx: SqlSession, task: TaskModel, rules: Reckoning): Promise<Past | undefined> {
  const agent = task.doc.agent?.name
  for (const level of agent === undefined ? (['type'] as const) : (['type-and-agent', 'type'] as const)) {
    const rows = await tx.query<{ run: number; queued: number }>(
      `select (t.doc ->> 'runMs')::float8 as run, coalesce((t.doc ->> 'queuedMs')::float8, 0) as queued from tracker.tasks t
       where coalesce(t.doc ->> 'type', t.doc ->> 'capability') = $1 and ($2::text is null or t.doc -> 'agent' ->> 'name' = $2) and t.status = 'completed'
         and t.doc ->> 'runMs' is not null and t.ended_at >= $3::timestamptz - $4 * interval '1 day' and ${OF_SEEN_PLAN} order by t.ended_at desc limit ${MOST_SAMPLES}`,
      [typeOf(task), level === 'type' ? null : agent, rules.now, rules.etaWindow],
    )
    if (rows.length < rules.etaMinSamples) continue
    const sorted = (of: (row: { run: number; queued: number }) => number) =>
      rows.map(of).sort((one, other) => one - other)
    return { level, runMs: sorted(({ run }) => run), wholeMs: sorted(({ run, queued }) => run + queued) }
  }
  return undefined
}

/** A task that runs has its queue behind it. */
function openTask(task: TaskModel, past: Past, now: Date): OpenTask {
  const isPending = task.status === 'pending'
  const since = (isPending ? task.createdAt : task.startedAt) ?? task.sortAt
  return {
    id: toId('task', task.id),
    parentId: task.parentId === undefined ? undefined : toId('task', task.parentId),
    elapsedMs: Math.max(0, now.getTime() - Date.parse(since)),
    pastMs: isPending ? past.wholeMs : past.runMs,
  }
}
