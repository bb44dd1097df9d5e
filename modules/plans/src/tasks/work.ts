import { type Context, commonProblems, type Json, type SqlSession } from '@soma/kernel'
import type * as z from 'zod'
import { planProblems, type ProblemValue, type Task, type waitingReason } from '../../contract/index.ts'
import { mayWork } from '../access.ts'
import { hasTaskEnded } from '../statuses.ts'
import { assertStorable } from '../storable.ts'
import { emitTaskFact } from '../transition/facts.ts'
import type { TaskRow } from '../transition/rows.ts'
import { completeTask, failTask, parkTask, startTask, timerOfWait, touchTask } from '../transition/task-changes.ts'
import { record, type Transition } from '../transition/transition.ts'
import { viewTask } from '../views.ts'
import { applyEarlyDecision } from './gate-decisions.ts'
import type { ChangeTask } from './change-task.ts'
import { finishLonePlan } from './lone.ts'

type Holder = { readonly fence?: number | undefined }
const PROGRESS_FACT_EVERY_MS = 100
const POISONED = (task: TaskRow): ProblemValue => ({
  code: 'poisoned',
  detail: `${task.delivery} deliveries of task ${task.key} ended without a result`,
  status: 500,
  retryable: false,
})

/** What whoever holds a task does with it. */
export function createTaskWork({ changeTask, deliveryCap }: { changeTask: ChangeTask; deliveryCap: number }) {
  const work = <T>(
    context: Context,
    taskId: string,
    change: (transition: Transition, task: TaskRow) => T | Promise<T>,
  ): Promise<T> =>
    changeTask(context, taskId, {
      allow: (plan) => mayWork(context, plan),
      work: (transition, task) => change(transition, task),
    })

  return {
    start: (context: Context, taskId: string, body: { deliveryKey: string; agent?: Task['agent'] }): Promise<Task> =>
      changeTask(context, taskId, {
        allow: (plan) => mayWork(context, plan),
        work: async (transition, task, tx) => {
          if (hasTaskEnded(task.status)) return viewTask(task)
          if (task.doc.deliveryKey === body.deliveryKey && task.status !== 'pending') return viewTask(task)
          if (task.status === 'waiting') return viewTask(task)
          if (task.status === 'running' && task.delivery >= deliveryCap) {
            failTask(transition, task, POISONED(task), { reply: true, reason: 'poisoned' })
            await finishLonePlan(transition, tx, task)
            return viewTask(task)
          }
          startTask(transition, task, {
            deliveryKey: body.deliveryKey,
            ...(body.agent === undefined ? {} : { agent: body.agent }),
          })
          return viewTask(task)
        },
      }),

    complete: (
      context: Context,
      taskId: string,
      body: Holder & { output?: Json | undefined; reply: boolean },
    ): Promise<{ task: Task; groupDone: boolean }> => {
      assertStorable(body.output, '/body/output')
      return changeTask(context, taskId, {
        allow: (plan) => mayWork(context, plan),
        work: async (transition, task, tx) => {
          if (task.status === 'completed') return { task: viewTask(task), groupDone: false }
          if (hasTaskEnded(task.status)) throw ended(task, 'completed')
          assertFence(task, body)
          if (task.status === 'pending') startTask(transition, task, {})
          const groupDone = completeTask(transition, task, body.output ?? null, { reply: body.reply })
          await finishLonePlan(transition, tx, task)
          return { task: viewTask(task), groupDone }
        },
      })
    },

    fail: (
      context: Context,
      taskId: string,
      body: Holder & { problem: ProblemValue; reply: boolean },
    ): Promise<{ task: Task; groupDone: boolean }> =>
      changeTask(context, taskId, {
        allow: (plan) => mayWork(context, plan),
        work: async (transition, task, tx) => {
          if (task.status === 'failed') return { task: viewTask(task), groupDone: false }
          if (hasTaskEnded(task.status)) throw ended(task, 'failed')
          assertFence(task, body)
          const groupDone = failTask(transition, task, body.problem, { reply: body.reply })
          await finishLonePlan(transition, tx, task)
          return { task: viewTask(task), groupDone }
        },
      }),

    progress: (
      context: Context,
      taskId: string,
      body: Holder & { progress?: number | undefined; message?: string | undefined; checkpoint?: Json | undefined },
    ): Promise<Task> => {
      assertStorable(body.checkpoint, '/body/checkpoint', 65_536)
      return work(context, taskId, (transition, task) => {
        if (hasTaskEnded(task.status)) return viewTask(task)
        assertFence(task, body)
        if (body.progress !== undefined) task.doc.progress = body.progress
        if (body.message !== undefined) task.doc.message = body.message
        if (body.checkpoint !== undefined) task.doc.checkpoint = body.checkpoint
        noteProgress(transition, task)
        return viewTask(task)
      })
    },

    heartbeat: (context: Context, taskId: string, body: Holder & { checkpoint?: Json | undefined }): Promise<Task> => {
      assertStorable(body.checkpoint, '/body/checkpoint', 65_536)
      return work(context, taskId, (transition, task) => {
        if (hasTaskEnded(task.status)) return viewTask(task)
        assertFence(task, body)
        if (body.checkpoint === undefined) return viewTask(task)
        task.doc.checkpoint = body.checkpoint
        touchTask(transition, task)
        return viewTask(task)
      })
    },

    wait: (
      context: Context,
      taskId: string,
      body: Holder & {
        reason: z.output<typeof waitingReason>
        gateId?: string | undefined
        on?: Record<string, Json> | undefined
        timeoutMs?: number | undefined
      },
    ): Promise<Task> =>
      changeTask(context, taskId, {
        allow: (plan) => mayWork(context, plan),
        work: async (transition, task, tx) => {
          if (hasTaskEnded(task.status)) throw ended(task, 'parked')
          assertFence(task, body)
          if (task.status === 'waiting' && body.gateId !== undefined && task.doc.gateId === body.gateId)
            return viewTask(task)
          await park(transition, tx, task, body)
          return viewTask(task)
        },
      }),
  }
}

async function park(
  transition: Transition,
  tx: SqlSession,
  task: TaskRow,
  body: {
    reason: z.output<typeof waitingReason>
    gateId?: string | undefined
    on?: Record<string, Json> | undefined
    timeoutMs?: number | undefined
  },
): Promise<void> {
  const dueAt = body.timeoutMs === undefined ? undefined : new Date(transition.at.getTime() + body.timeoutMs)
  if (dueAt !== undefined) transition.timers.set(timerOfWait(task), dueAt)
  if (body.gateId !== undefined) task.doc.gateId = body.gateId
  parkTask(transition, task, {
    reason: body.reason,
    on: { ...body.on, ...(body.gateId === undefined ? {} : { gateId: body.gateId }) },
    sinceAt: transition.at.toISOString(),
    ...(dueAt === undefined ? {} : { dueAt: dueAt.toISOString() }),
  })
  if (body.gateId !== undefined) await applyEarlyDecision(transition, tx, task)
}

/** At most ten facts a second and task; the end of a task always carries its last progress. */
function noteProgress(transition: Transition, task: TaskRow): void {
  touchTask(transition, task)
  const last = task.doc.progressFactAt
  if (
    last !== undefined &&
    transition.at.getTime() - Date.parse(last) < PROGRESS_FACT_EVERY_MS &&
    task.doc.progress !== 1
  )
    return
  task.doc.progressFactAt = transition.at.toISOString()
  record(transition, 'task-progressed', { key: task.key, progress: task.doc.progress, message: task.doc.message })
  emitTaskFact(transition, task, 'progressed')
}

function assertFence(task: TaskRow, body: Holder): void {
  if (body.fence !== undefined && body.fence !== task.fence) {
    throw planProblems.fenced.create(`task ${task.key} has fence ${task.fence}; yours is ${body.fence}`, {
      fence: task.fence,
    })
  }
}

const ended = (task: TaskRow, wanted: string) =>
  commonProblems.conflict.create(`task ${task.key} is ${task.status}; it cannot be ${wanted}`, {
    taskStatus: task.status,
  })
