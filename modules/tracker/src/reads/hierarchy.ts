import { type SqlSession, toId, withoutUndefined } from '@soma/kernel'
import type { Hierarchy } from '../../contract/index.ts'
import type { PlanModel, TaskModel } from '../projection/models.ts'
import {
  PLAN_COLUMNS,
  type PlanRecord,
  planModelOf,
  TASK_COLUMNS,
  type TaskModelRecord,
  taskModelOf,
} from '../projection/store.ts'
import { summarise, VISIBLE_TASKS } from './store.ts'
import { NO_TASKS, viewPlan } from './views.ts'

export type Direction = 'up' | 'down' | 'both'

/** Plans and delegated tasks in one answer. */
const MOST_NODES = 10_000

/** Up by parents, down by children, and the delegations inside these plans: flat, each with its parent, a plan before those below it. */
export async function readHierarchy(tx: SqlSession, start: PlanModel, direction: Direction): Promise<Hierarchy> {
  const found = await listRelatives(tx, start, direction)
  const plans = found.slice(0, MOST_NODES)
  const ids = plans.map((plan) => plan.id)
  const tasks = await listDelegations(tx, ids, MOST_NODES + 1 - plans.length)
  const shown = tasks.slice(0, MOST_NODES - plans.length)
  const summaries = await summarise(tx, ids)
  return {
    plans: plans.map((plan) => viewPlan(plan, summaries.get(plan.id) ?? NO_TASKS)),
    tasks: shown.map(viewDelegation),
    cut: [plans, shown].some((nodes) => hasCycle(nodes)),
    truncated: found.length > MOST_NODES || tasks.length > shown.length,
  }
}

/** Level by level, each by an index: without statistics a recursive query of 10,000 plans takes minutes. A plan that was met before ends its branch. */
async function listRelatives(tx: SqlSession, start: PlanModel, direction: Direction): Promise<PlanModel[]> {
  const met = new Map([[start.id, start]])
  const go = async (column: 'id' | 'parent_id', keysOf: (level: readonly PlanModel[]) => string[]) => {
    for (let level = [start]; level.length > 0 && met.size <= MOST_NODES; ) {
      const rows = await tx.query<PlanRecord>(
        `select ${PLAN_COLUMNS} from tracker.plans p where p.${column} = any($1::uuid[]) order by p.sort_at, p.id limit $2`,
        [keysOf(level), MOST_NODES + 1],
      )
      level = rows.map(planModelOf).filter((plan) => !met.has(plan.id))
      for (const plan of level) met.set(plan.id, plan)
    }
  }
  if (direction !== 'down') await go('id', (level) => level.flatMap((plan) => plan.parentId ?? []))
  if (direction !== 'up') await go('parent_id', (level) => level.map((plan) => plan.id))
  return [...met.values()]
}

/** Tasks that were handed out by tasks, after those that handed them out. */
async function listDelegations(tx: SqlSession, planIds: readonly string[], limit: number): Promise<TaskModel[]> {
  const list = (which: string, ids: readonly string[]) =>
    tx.query<TaskModelRecord>(
      `select ${TASK_COLUMNS} from ${VISIBLE_TASKS} where ${which} order by t.sort_at, t.id limit $2`,
      [ids, limit],
    )
  const subTasks = await list('t.plan_id = any($1::uuid[]) and t.parent_id is not null', planIds)
  const known = new Set(subTasks.map((task) => task.id))
  const above = new Set(
    subTasks.flatMap(({ parent_id }) => (parent_id === null || known.has(parent_id) ? [] : parent_id)),
  )
  const parents = await list('t.id = any($1::uuid[])', [...above])
  return [...parents, ...subTasks].map(taskModelOf)
}

const viewDelegation = (task: TaskModel): Hierarchy['tasks'][number] =>
  withoutUndefined({
    taskId: toId('task', task.id),
    planId: toId('plan', task.planId),
    parentTaskId: task.parentId === undefined ? undefined : toId('task', task.parentId),
    groupId: task.groupId === undefined ? undefined : toId('grp', task.groupId),
    name: task.doc.name ?? 'unknown task',
    type: task.doc.type ?? task.doc.capability,
    agent: task.doc.agent?.name,
    state: task.status,
  }) as Hierarchy['tasks'][number]

/** Whether following parents comes back to where it was. */
function hasCycle(nodes: readonly { readonly id: string; readonly parentId: string | undefined }[]): boolean {
  const parents = new Map(nodes.map(({ id, parentId }) => [id, parentId]))
  const settled = new Set<string>()
  for (const id of parents.keys()) {
    const path = new Set<string>()
    for (
      let at: string | undefined = id;
      at !== undefined && parents.has(at) && !settled.has(at);
      at = parents.get(at)
    ) {
      if (path.has(at)) return true
      path.add(at)
    }
    for (const one of path) settled.add(one)
  }
  return false
}
