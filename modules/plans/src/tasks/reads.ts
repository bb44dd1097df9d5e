import {
  type Context,
  commonProblems,
  decodeCursor,
  type ModuleDatabase,
  type SqlSession,
  toPage,
  uuidOf,
} from '@soma/kernel'
import type { Task, TaskGroup } from '../../contract/index.ts'
import { readGroups, TASK_COLUMNS, TASK_OUTPUT, type TaskRecord, taskOf } from '../transition/read.ts'
import { viewGroup, viewTask } from '../views.ts'

export interface TaskFilter {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly planId?: string | undefined
  readonly parentTaskId?: string | undefined
  readonly subTaskId?: string | undefined
  readonly groupId?: string | undefined
  readonly status?: string | undefined
  readonly waiting?: string | undefined
  readonly pendingFor?: string | undefined
  readonly kind?: string | undefined
  readonly agent?: string | undefined
}

/** Every read joins the plan, so that the plan's visibility decides. */
const VISIBLE = 'plans.tasks t join plans.plans p on p.tenant_id = t.tenant_id and p.id = t.plan_id'

export function createTaskReads({ database }: { database: ModuleDatabase }) {
  return {
    get: (context: Context, taskId: string): Promise<Task> =>
      database.transaction(context, async (tx) => {
        const [row] = await tx.query<TaskRecord>(
          `select ${TASK_COLUMNS}, ${TASK_OUTPUT} from ${VISIBLE} where t.id = $1`,
          [uuidOf('task', taskId)],
        )
        if (row === undefined) throw commonProblems.notFound.create(`no task ${taskId}`)
        return viewTask(taskOf(row))
      }),

    list: (context: Context, filter: TaskFilter) =>
      database.transaction(context, async (tx) => {
        const before = decodeCursor(filter.cursor, ['time', 'uuid', 'integer'])
        const rows = await listTasks(tx, filter, before)
        return toPage(rows, filter.limit, {
          item: (row) => viewTask(taskOf(row)),
          key: (row) => [row.plan_created_at.toISOString(), row.plan_id, row.ord],
        })
      }),

    group: (context: Context, groupId: string, owner: { taskId?: string; planId?: string }): Promise<TaskGroup> =>
      database.transaction(context, async (tx) => {
        const [group] = await readGroups(tx, [uuidOf('grp', groupId)])
        const rows = await tx.query<TaskRecord>(
          `select ${TASK_COLUMNS}, ${TASK_OUTPUT} from ${VISIBLE} where t.group_id = $1 order by t.ord`,
          [uuidOf('grp', groupId)],
        )
        const fits =
          owner.taskId === undefined
            ? group?.planId === uuidOf('plan', owner.planId ?? '')
            : group?.parentId === uuidOf('task', owner.taskId)
        if (group === undefined || rows.length === 0 || !fits)
          throw commonProblems.notFound.create(`no group ${groupId}`)
        return viewGroup(group, rows.map(taskOf))
      }),
  }
}

/** Newest plan first, and in it the newest task. Ids say nothing about that: those made in handlers are derived. */
function listTasks(
  tx: SqlSession,
  filter: TaskFilter,
  before: readonly (string | number)[] | undefined,
): Promise<(TaskRecord & { readonly plan_created_at: Date })[]> {
  const uuid = (prefix: string, id: string | undefined) => (id === undefined ? null : uuidOf(prefix, id))
  return tx.query(
    `select ${TASK_COLUMNS}, ${TASK_OUTPUT}, p.created_at as plan_created_at from ${VISIBLE}
     where ($1::uuid is null or t.plan_id = $1) and ($2::uuid is null or t.parent_id = $2) and ($3::uuid is null or t.id = (select s.parent_id from plans.tasks s where s.id = $3))
       and ($4::uuid is null or t.group_id = $4) and ($5::text is null or t.status = $5) and ($6::text is null or (t.status = 'waiting' and t.reason = $6))
       and ($7::text is null or t.doc ->> 'pendingFor' = $7) and ($8::text is null or t.kind = $8) and ($9::text is null or t.doc -> 'agent' ->> 'name' = $9)
       and ($10::timestamptz is null or (p.created_at, p.id, t.ord) < ($10::timestamptz, $11::uuid, $12::int4))
     order by p.created_at desc, p.id desc, t.ord desc limit $13`,
    [
      uuid('plan', filter.planId),
      uuid('task', filter.parentTaskId),
      uuid('task', filter.subTaskId),
      uuid('grp', filter.groupId),
      filter.status ?? null,
      filter.waiting ?? null,
      filter.pendingFor ?? null,
      filter.kind ?? null,
      filter.agent ?? null,
      before?.[0] ?? null,
      before?.[1] ?? null,
      before?.[2] ?? null,
      filter.limit + 1,
    ],
  )
}
