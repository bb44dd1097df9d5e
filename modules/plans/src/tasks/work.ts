import { type Context, commonProblems, isProblem, type Json, type SqlSession } from '@soma/kernel'
import type * as z from 'zod'
import { planProblems, type ProblemValue, type Task, type waitingReason } from '../../contract/index.ts'
import { mayWork } from '../access.ts'
import { hasTaskEnded } from '../statuses.ts'
import { assertStorable } from '../storable.ts'
import type { TaskRow } from '../transition/rows.ts'
import { requestTask } from '../transition/replies.ts'
import {
  completeTask,
  failTask,
  loseDelivery,
  parkTask,
  startTask,
  tellProgress,
  touchTask,
} from '../transition/task-changes.ts'
import { hearTry, setTaskTimer } from '../transition/task-timers.ts'
import type { Transition } from '../transition/transition.ts'
import { failTry } from '../transition/tries.ts'
import { viewTask } from '../views.ts'
import { applyEarlyDecision } from './gate-decisions.ts'
import type { ChangeTask } from './change-task.ts'
import { noteLateResult } from './late.ts'
import { finishLonePlan } from './lone.ts'

type Holder = { readonly fence?: number | undefined }
const PROGRESS_FACT_EVERY_MS = 100
const POISONED = (task: TaskRow): ProblemValue => ({
  code: 'poisoned',
  detail: `${task.delivery} deliveries of task ${task.key} ended without a result; held by ${task.doc.holders?.join(', ')}`,
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

  /** A result of a task: one that comes too late is kept in the journal, and its sender is told. */
  const settle = async (
    context: Context,
    taskId: string,
    result: Holder & { readonly as: 'completed' | 'failed' },
    end: (transition: Transition, task: TaskRow) => boolean,
  ): Promise<{ task: Task; groupDone: boolean }> => {
    const settled = await changeTask(context, taskId, {
      allow: (plan) => mayWork(context, plan),
      work: async (transition, task, tx) => {
        if (isFenced(task, result)) {
          await noteLateResult(transition, tx, { task, as: result.as, fence: result.fence })
          return fenced(task, result)
        }
        if (task.status === result.as) return { task: viewTask(task), groupDone: false }
        if (hasTaskEnded(task.status)) {
          await noteLateResult(transition, tx, { task, as: result.as, fence: task.fence })
          return ended(task, result.as)
        }
        const groupDone = end(transition, task)
        await finishLonePlan(transition, tx, task)
        return { task: viewTask(task), groupDone }
      },
    })
    if (isProblem(settled)) throw settled
    return settled
  }

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
          if (transition.plan.status === 'paused') {
            holdTask(transition, task)
            return viewTask(task)
          }
          startTask(transition, task, {
            deliveryKey: body.deliveryKey,
            ...(body.agent === undefined ? {} : { agent: body.agent }),
          })
          return viewTask(task)
        },
      }),

    complete: async (
      context: Context,
      taskId: string,
      body: Holder & { output?: Json | undefined; reply: boolean },
    ): Promise<{ task: Task; groupDone: boolean }> => {
      assertStorable(body.output, '/body/output')
      return settle(context, taskId, { fence: body.fence, as: 'completed' }, (transition, task) => {
        if (task.status === 'pending') startTask(transition, task, {})
        return completeTask(transition, task, body.output ?? null, { reply: body.reply })
      })
    },

    fail: (
      context: Context,
      taskId: string,
      body: Holder & { problem: ProblemValue; reply: boolean },
    ): Promise<{ task: Task; groupDone: boolean }> =>
      settle(context, taskId, { fence: body.fence, as: 'failed' }, (transition, task) =>
        body.reply
          ? failTry(transition, task, { problem: body.problem })
          : failTask(transition, task, body.problem, { reply: false }),
      ),

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
        hearTry(transition, task)
        noteProgress(transition, task)
        return viewTask(task)
      })
    },

    heartbeat: (context: Context, taskId: string, body: Holder & { checkpoint?: Json | undefined }): Promise<Task> => {
      assertStorable(body.checkpoint, '/body/checkpoint', 65_536)
      return work(context, taskId, (transition, task) => {
        if (hasTaskEnded(task.status)) return viewTask(task)
        assertFence(task, body)
        hearTry(transition, task)
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

/** A delivery of a paused plan begins nothing: the task is asked for again on resume. */
function holdTask(transition: Transition, task: TaskRow): void {
  if (task.status === 'running') loseDelivery(transition, task)
  if (task.status === 'pending' && task.kind === 'agent') requestTask(transition, task)
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
  if (dueAt !== undefined) setTaskTimer(transition, 'wait', { task, at: dueAt })
  if (body.gateId !== undefined) task.doc.gateId = body.gateId
  parkTask(transition, task, {
    reason: body.reason,
    on: { ...body.on, ...(body.gateId === undefined ? {} : { gateId: body.gateId }) },
    sinceAt: transition.at.toISOString(),
    ...(dueAt === undefined ? {} : { dueAt: dueAt.toISOString() }),
  })
  if (body.gateId !== undefined) await applyEarlyDecision(transition, tx, task)
}

/** At most ten facts a second and task: what comes sooner is told with the next one or by a timer, so that the last always is. */
function noteProgress(transition: Transition, task: TaskRow): void {
  touchTask(transition, task)
  const last = task.doc.progressFactAt
  const nextAt = last === undefined ? undefined : new Date(Date.parse(last) + PROGRESS_FACT_EVERY_MS)
  task.doc.isProgressHeld = true
  if (nextAt === undefined || nextAt <= transition.at) return tellProgress(transition, task)
  setTaskTimer(transition, 'progress', { task, at: nextAt })
}

/** `fenced`: the task was handed to somebody else since. */
const isFenced = (task: TaskRow, body: Holder): boolean => body.fence !== undefined && body.fence !== task.fence

const fenced = (task: TaskRow, body: Holder) =>
  planProblems.fenced.create(`task ${task.key} has fence ${task.fence}; yours is ${body.fence}`, { fence: task.fence })

function assertFence(task: TaskRow, body: Holder): void {
  if (isFenced(task, body)) throw fenced(task, body)
}

const ended = (task: TaskRow, wanted: string) =>
  commonProblems.conflict.create(`task ${task.key} is ${task.status}; it cannot be ${wanted}`, {
    taskStatus: task.status,
  })
