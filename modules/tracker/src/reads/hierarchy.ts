import { type SqlSession, toId, withoutUndefined } from '@soma/kernel'
import type { Hierarchy, PlanNode, TaskRecord } from '../../contract/index.ts'
import type { Reckoning } from './plan-share.ts'
import { VISIBLE_TASKS } from './store.ts'
import { countTasks, type TaskCount } from './summaries.ts'
import { NO_TASKS } from './views.ts'

export type Direction = 'up' | 'down' | 'both'

/** Plans and delegated tasks in one answer. */
const MOST_NODES = 10_000

/** Up by parents, down by children, and the delegations inside these plans: flat, each with its parent, a plan before those below it. */
export async function readHierarchy(
  tx: SqlSession,
  { planId, direction }: { planId: string; direction: Direction },
  reckoning: Reckoning,
): Promise<Hierarchy> {
  const found = await listRelatives(tx, planId, direction)
  const plans = found.slice(0, MOST_NODES)
  const ids = plans.map((plan) => plan.id)
  const tasks = await listDelegations(tx, ids, MOST_NODES + 1 - plans.length)
  const shown = tasks.slice(0, MOST_NODES - plans.length)
  const counted = await countTasks(tx, ids, reckoning)
  return {
    plans: plans.map((plan) => viewNode(plan, counted.get(plan.id))),
    tasks: shown.map(viewDelegation),
    cut: [plans, shown].some((nodes) => hasCycle(nodes)),
    truncated: found.length > MOST_NODES || tasks.length > shown.length,
  }
}

interface NodeRecord {
  id: string
  parent_id: string | null
  root_id: string | null
  origin: string | null
  status: PlanNode['status']
  name: string | null
  driver: PlanNode['driver'] | null
  current_state: string | null
  problem_code: string | null
  parent_task_id: string | null
}

const NODE_COLUMNS = `p.id, p.parent_id, p.root_id, p.origin, p.status, p.doc ->> 'name' as name, p.doc ->> 'driver' as driver, p.doc ->> 'currentState' as current_state,
  p.doc -> 'problem' ->> 'code' as problem_code, p.doc ->> 'parentTaskId' as parent_task_id`

/** A plan that was met before ends its branch (\`union\`). Each is looked up by its key, whatever the planner believes (\`offset 0\`): it has no statistics of trees. */
const walk = (
  next: string,
): string => `with recursive met as (select ${NODE_COLUMNS} from tracker.plans p where p.id = $1
   union select n.* from met cross join lateral (select ${NODE_COLUMNS} from tracker.plans p where ${next} order by p.sort_at, p.id offset 0) n)
 select * from met limit $2`

async function listRelatives(tx: SqlSession, planId: string, direction: Direction): Promise<NodeRecord[]> {
  const go = (next: string) => tx.query<NodeRecord>(walk(next), [planId, MOST_NODES + 1])
  const above = direction === 'down' ? [] : await go('p.id = met.parent_id')
  const below = direction === 'up' ? [] : await go('p.parent_id = met.id')
  const met = new Map([...above, ...below].map((plan) => [plan.id, plan]))
  return [...met.values()]
}

const viewNode = (plan: NodeRecord, counted: TaskCount | undefined): PlanNode => ({
  planId: toId('plan', plan.id),
  name: plan.name ?? 'unknown plan',
  status: plan.status,
  ...(plan.driver === null ? {} : { driver: plan.driver }),
  ...(plan.origin === null ? {} : { origin: plan.origin }),
  ...(plan.current_state === null ? {} : { currentState: plan.current_state }),
  progress: plan.status === 'completed' ? 1 : (counted?.progress ?? 0),
  counts: counted?.counts ?? NO_TASKS.counts,
  ...(plan.problem_code === null ? {} : { problem: { code: plan.problem_code } }),
  ...(plan.parent_id === null ? {} : { parentPlanId: toId('plan', plan.parent_id) }),
  ...(plan.parent_task_id === null ? {} : { parentTaskId: plan.parent_task_id }),
  ...(plan.root_id === null ? {} : { rootPlanId: toId('plan', plan.root_id) }),
})

interface DelegationRecord {
  id: string
  plan_id: string
  parent_id: string | null
  group_id: string | null
  status: TaskRecord['state']
  name: string | null
  type: string | null
  agent: string | null
}

const DELEGATION_COLUMNS = `t.id, t.plan_id, t.parent_id, t.group_id, t.status, t.doc ->> 'name' as name, coalesce(t.doc ->> 'type', t.doc ->> 'capability') as type, t.doc -> 'agent' ->> 'name' as agent`

/** Tasks that were handed out by tasks, after those that handed them out. */
async function listDelegations(tx: SqlSession, planIds: readonly string[], limit: number): Promise<DelegationRecord[]> {
  const subTasks = await tx.query<DelegationRecord>(
    `select d.* from unnest($1::uuid[]) as plan (id) cross join lateral
       (select ${DELEGATION_COLUMNS} from tracker.tasks t where t.plan_id = plan.id and t.parent_id is not null order by t.sort_at, t.id limit $2) d limit $2`,
    [planIds, limit],
  )
  const known = new Set(subTasks.map((task) => task.id))
  const above = subTasks.flatMap(({ parent_id }) => (parent_id === null || known.has(parent_id) ? [] : parent_id))
  const parents = await tx.query<DelegationRecord>(
    `select d.* from unnest($1::uuid[]) as task (id) cross join lateral (select ${DELEGATION_COLUMNS} from ${VISIBLE_TASKS} where t.id = task.id offset 0) d`,
    [[...new Set(above)]],
  )
  return [...parents, ...subTasks]
}

const viewDelegation = (task: DelegationRecord): Hierarchy['tasks'][number] =>
  withoutUndefined({
    taskId: toId('task', task.id),
    planId: toId('plan', task.plan_id),
    parentTaskId: task.parent_id === null ? undefined : toId('task', task.parent_id),
    groupId: task.group_id === null ? undefined : toId('grp', task.group_id),
    name: task.name ?? 'unknown task',
    type: task.type ?? undefined,
    agent: task.agent ?? undefined,
    state: task.status,
  }) as Hierarchy['tasks'][number]

/** Whether following parents comes back to where it was. */
function hasCycle(nodes: readonly { readonly id: string; readonly parent_id: string | null }[]): boolean {
  const parents = new Map(nodes.map(({ id, parent_id }) => [id, parent_id ?? undefined]))
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
