import { withoutUndefined } from '@soma/kernel'
import type { Task, TaskStatus } from '@soma/plans/contract'
import type { Clients } from '@soma/sdk/clients'
import { fieldsView, pageView } from '../output/view.ts'
import { resolveId } from '../resolve-id.ts'
import type { Handling } from '../session.ts'
import type { PageFlags } from '../tree/page-options.ts'
import { resolvePlan } from './plans.ts'

const listView = pageView<Task>(
  [
    { title: 'task', of: ({ taskId }) => taskId, kind: 'id' },
    { title: 'status', of: ({ status }) => status, kind: 'status' },
    { title: 'progress', of: ({ progress }) => percentOf(progress) },
    { title: 'agent', of: ({ agent }) => agent?.name },
    { title: 'made', of: ({ createdAt }) => createdAt, kind: 'time' },
    { title: 'name', of: ({ name }) => name, kind: 'text' },
  ],
  ({ taskId }) => taskId,
)

const taskView = fieldsView<Task>(
  (task) => [
    { name: 'task', value: task.taskId, kind: 'id' },
    { name: 'name', value: task.name },
    { name: 'plan', value: task.planId },
    { name: 'kind', value: task.kind },
    { name: 'asked by', value: task.type },
    { name: 'status', value: task.status, kind: 'status' },
    { name: 'waits for', value: task.waiting?.reason ?? task.pendingFor },
    { name: 'gate', value: task.gateId },
    { name: 'agent', value: task.agent?.name },
    { name: 'try', value: task.try },
    { name: 'progress', value: percentOf(task.progress) },
    { name: 'message', value: task.message },
    { name: 'output', value: task.output === undefined ? undefined : JSON.stringify(task.output) },
    { name: 'problem', value: task.problem === undefined ? undefined : `${task.problem.code}: ${task.problem.detail}` },
    { name: 'made', value: task.createdAt },
    { name: 'begun', value: task.startedAt },
    { name: 'ended', value: task.endedAt },
  ],
  ({ taskId }) => [taskId],
)

const percentOf = (progress: number | undefined): string | undefined =>
  progress === undefined ? undefined : `${Math.round(progress * 100)} %`

/** Finds a task by a tail of its id. */
const resolveTask = (text: string, clients: Clients): Promise<string> =>
  resolveId(text, {
    prefix: 'task',
    noun: 'task',
    page: async (cursor) => {
      const { items, nextCursor } = await clients.plans.tasks.list({
        query: { limit: 200, ...withoutUndefined({ cursor }) },
      })
      return { ids: items.map(({ taskId }) => taskId), nextCursor }
    },
  })

interface ListFlags extends PageFlags {
  readonly plan?: string
  readonly status?: TaskStatus
  readonly agent?: string
}

export async function listTasks({ session, flags }: Handling<ListFlags>): Promise<void> {
  const { clients } = await session.connect()
  const { limit, cursor, status, agent, plan } = flags
  const planId = plan === undefined ? undefined : await resolvePlan(plan, clients)
  const page = await clients.plans.tasks.list({ query: withoutUndefined({ limit, cursor, status, agent, planId }) })
  await session.printer.result(page, listView)
  if (page.nextCursor !== null) session.printer.note(`there are more: --cursor ${page.nextCursor}`)
}

export async function showTask({ session, args }: Handling<object>): Promise<void> {
  const { clients } = await session.connect()
  const taskId = await resolveTask(args[0] as string, clients)
  await session.printer.result(await clients.plans.tasks.get({ params: { taskId } }), taskView)
}

export const retryTask = (handling: Handling<{ reason: string }>): Promise<void> => change('retry', handling)
export const cancelTask = (handling: Handling<{ reason: string }>): Promise<void> => change('cancel', handling)

async function change(verb: 'retry' | 'cancel', handling: Handling<{ reason: string }>): Promise<void> {
  const { session, flags, args } = handling
  const { clients } = await session.connect()
  const taskId = await resolveTask(args[0] as string, clients)
  const task = await clients.plans.tasks[verb]({ params: { taskId }, body: { reason: flags.reason } })
  await session.printer.result(task, taskView)
}
