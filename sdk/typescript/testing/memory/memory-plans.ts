import { commonProblems, type EventEnvelope, type Json, newUuid, toId } from '@soma/kernel'
import {
  type Plan,
  planProblems,
  type ProblemValue,
  type StateMachine,
  type Task,
  type TaskSpec,
} from '@soma/plans/contract'
import type { MemoryClock } from './memory-clock.ts'
import type { MemoryGates } from './memory-gates.ts'
import type { MemoryLog } from './memory-log.ts'
import {
  contextOf,
  defined,
  type GroupRow,
  groupOf,
  hasEnded,
  isReplyOf,
  newPlan,
  newTask,
  replyOf,
  requestOf,
  type TaskRow,
} from './memory-tasks.ts'

const SOURCE = '/modules/plans'

export interface DelegateBody {
  readonly specs: readonly TaskSpec[]
  readonly group: boolean
  readonly groupId?: string | undefined
}

/** Plans and tasks by the rules of `plans`, as far as agents meet them, for one tenant, without a disk. */
export function createMemoryPlans(deps: { log: MemoryLog; clock: MemoryClock; gates: MemoryGates }) {
  const { log, clock, gates } = deps
  const plans = new Map<string, Plan>()
  const tasks = new Map<string, TaskRow>()
  const groups = new Map<string, GroupRow>()

  const planOf = (planId: string): Plan => plans.get(planId) ?? missing(`no plan ${planId}`)
  const rowOf = (taskId: string): TaskRow => tasks.get(taskId) ?? missing(`no task ${taskId}`)
  const tasksOf = (planId: string): TaskRow[] => [...tasks.values()].filter(({ task }) => task.planId === planId)

  const say = (input: object, userId?: string): void => {
    log.append(log.admit({ ...input, source: SOURCE }, { userId, source: SOURCE }))
  }
  const changePlan = (planId: string, changes: Partial<Plan>): Plan => {
    const plan = { ...planOf(planId), ...changes }
    plan.version += 1
    plans.set(planId, plan)
    return plan
  }
  const changeTask = (row: TaskRow, changes: Partial<Task>): Task => {
    row.task = { ...row.task, ...changes, version: row.task.version + 1 }
    recount(row.task.planId)
    return row.task
  }
  const recount = (planId: string): void => {
    const all = tasksOf(planId).map(({ task }) => task)
    const of = (status: string) => all.filter((task) => task.status === status).length
    const counts = {
      total: all.length,
      pending: of('pending'),
      running: of('running'),
      delegated: of('delegated'),
      waiting: of('waiting'),
      completed: of('completed'),
      failed: of('failed'),
      cancelled: of('cancelled'),
    }
    changePlan(planId, { counts, progress: all.length === 0 ? 0 : all.filter(hasEnded).length / all.length })
  }
  const endTask = (
    row: TaskRow,
    ending: { ok: boolean; data: Json; reply: boolean },
  ): { task: Task; groupDone: boolean } => {
    if (hasEnded(row.task)) return { task: row.task, groupDone: false }
    const problem = ending.ok ? undefined : problemIn(ending.data)
    changeTask(row, {
      ...(ending.ok ? { status: 'completed', output: ending.data, outcome: 'succeeded' } : { status: 'failed' }),
      ...(problem === undefined ? {} : { problem }),
      endedAt: clock.iso(),
    })
    const groupDone = endMember(row.task)
    if (ending.reply && row.task.responseType !== undefined) say(replyOf(row.task, ending))
    const plan = planOf(row.task.planId)
    if (plan.origin === 'task')
      changePlan(plan.planId, { status: ending.ok ? 'completed' : 'failed', endedAt: clock.iso() })
    return { task: row.task, groupDone }
  }
  const endMember = (task: Task): boolean => {
    const group = groups.get(task.groupId ?? '')
    if (group === undefined || group.completedAt !== undefined) return false
    if (!group.members.every((id) => hasEnded(rowOf(id).task))) return false
    group.lastTaskId = task.taskId
    group.completedAt = clock.iso()
    return true
  }
  const delegate = (of: { planId: string; parent?: TaskRow }, body: DelegateBody) => {
    const known = body.specs.filter(({ taskId }) => tasks.has(taskId ?? ''))
    if (known.length > 0 && known.length < body.specs.length) throw commonProblems.conflict.create('half of it exists')
    const rows = known.length > 0 ? known.map(({ taskId }) => rowOf(taskId as string)) : addTasks(of, body)
    const taskIds = rows.map(({ task }) => task.taskId)
    return defined({ taskIds, groupId: rows[0]?.task.groupId, tasks: rows.map(({ task }) => task) })
  }
  const addTasks = (of: { planId: string; parent?: TaskRow }, body: DelegateBody): TaskRow[] => {
    if (hasEnded(planOf(of.planId))) throw commonProblems.conflict.create(`the plan is ${planOf(of.planId).status}`)
    const groupId = body.group ? (body.groupId ?? toId('grp', newUuid())) : undefined
    const parentTaskId = of.parent?.task.taskId
    const rows = body.specs.map((spec) => {
      const row = newTask({ spec, planId: of.planId, parentTaskId, groupId, key: freeKey(of.planId, spec) }, clock)
      tasks.set(row.task.taskId, row)
      return row
    })
    if (groupId !== undefined) {
      const members = rows.map(({ task }) => task.taskId)
      groups.set(groupId, { groupId, planId: of.planId, parentTaskId, members, createdAt: clock.iso() })
    }
    if (of.parent !== undefined && !hasEnded(of.parent.task)) changeTask(of.parent, { status: 'delegated' })
    recount(of.planId)
    for (const { task } of rows) if (task.kind === 'agent') say(requestOf(task, 1))
    for (const row of rows) if (row.task.gateId !== undefined) applyDecision(row)
    return rows
  }
  const freeKey = (
    planId: string,
    spec: { key?: string | undefined; type?: string | undefined; kind?: string },
  ): string => {
    const base = spec.key ?? (spec.type ?? spec.kind ?? 'task').replace(/\.requested$/, '')
    const taken = new Set(tasksOf(planId).map(({ task }) => task.key))
    if (!taken.has(base)) return base
    if (spec.key !== undefined) throw commonProblems.conflict.create(`the plan has a task "${base}"`)
    for (let number = 2; ; number++) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`
  }
  const applyDecision = (row: TaskRow): void => {
    const gateId = row.task.gateId
    const gate = gates.list().find((one) => one.gateId === gateId)
    if (gate === undefined || gate.outcome === null || row.task.status !== 'waiting') return
    if (gate.outcome !== 'approved' && gate.outcome !== 'revise') {
      const problem = { code: `gate-${gate.outcome}`, detail: `gate ${gateId} was ${gate.outcome}`, retryable: false }
      endTask(row, { ok: false, data: { problem }, reply: true })
    } else if (row.task.kind === 'gate') {
      const { outcome, payloadHash, edited, instructions } = gate
      endTask(row, {
        ok: true,
        data: { gateId: gate.gateId, outcome, deciders: ['test'], payloadHash, edited, instructions },
        reply: true,
      })
    } else {
      changeTask(row, { status: 'pending' })
      say(requestOf(row.task, row.task.delivery + 1))
    }
  }
  gates.onDecided((gate) => {
    for (const row of tasks.values()) if (row.task.gateId === gate.gateId) applyDecision(row)
  })
  log.onAppend((event) => {
    if (event.source !== SOURCE) takeReply(event)
  })
  const takeReply = (event: EventEnvelope): void => {
    const row = [event.correlationid, event.taskid]
      .map((id) => tasks.get(id ?? ''))
      .find((candidate) => candidate !== undefined && isReplyOf(candidate.task, event))
    if (row !== undefined) endTask(row, { ok: event.outcome !== 'failed', data: event.data as Json, reply: false })
  }
  const finishPlan = (
    planId: string,
    ending: { outcome: 'completed' | 'failed'; result?: Json | undefined; problem?: ProblemValue | undefined },
  ): Plan => {
    const plan = planOf(planId)
    if (plan.status === ending.outcome) return plan
    if (hasEnded(plan)) throw commonProblems.conflict.create(`the plan is ${plan.status}`)
    const isOk = ending.outcome === 'completed'
    const problem = ending.problem ?? { code: 'plan-failed', detail: 'the planner gave up and named no problem' }
    changePlan(planId, {
      status: ending.outcome,
      endedAt: clock.iso(),
      ...(isOk ? { outputs: ending.result ?? null } : { problem }),
    })
    const { goal } = plan
    if (goal?.responseType !== undefined) {
      const data = isOk ? (ending.result ?? null) : { problem }
      const outcome = isOk ? 'ok' : 'failed'
      say({
        type: goal.responseType,
        topic: goal.responseTopic,
        data,
        outcome,
        correlationId: goal.correlationId,
        planId,
      })
    }
    return planOf(planId)
  }
  return {
    plans: () => [...plans.values()].reverse(),
    tasks: () => [...tasks.values()].map(({ task }) => task),
    planOf,
    taskOf: (taskId: string) => rowOf(taskId).task,
    createPlan({ start: _start, ...body }: CreateBody): Plan {
      const planId = body.planId ?? toId('plan', newUuid())
      const known = plans.get(planId)
      if (known !== undefined) return known
      const correlationIds = [body.goal?.correlationId, body.goal?.eventId].filter((id) => id !== undefined)
      const plan = newPlan(defined({ ...body, planId, title: body.title ?? 'A plan', correlationIds }) as never, clock)
      plans.set(planId, plan)
      return plan
    },
    byCorrelation(correlationId: string) {
      const found = [...plans.values()].filter(({ correlationIds }) => correlationIds.includes(correlationId)).reverse()
      const plan = found.find((one) => !hasEnded(one)) ?? found[0] ?? missing(`no plan of ${correlationId}`)
      return { plan, ambiguous: found.length > 1 }
    },
    putState(planId: string, body: { state: Json }, version: number): Plan {
      assertVersion(planOf(planId), version)
      return changePlan(planId, { state: body.state })
    },
    transition(planId: string, body: TransitionBody): Plan {
      const plan = planOf(planId)
      const machine = plan.stateMachine as StateMachine | undefined
      const edges = machine?.[body.fromState]
      const isEdge = edges?.transitions.some(({ on, to }) => on === body.on && to === body.toState) === true
      if (plan.currentState !== body.fromState || (!isEdge && edges?.defaultNext !== body.toState)) {
        throw planProblems.illegalTransition.create(`the plan is in "${plan.currentState}"`)
      }
      const results =
        body.data === undefined ? {} : { results: { ...plan.results, [body.on ?? body.toState]: body.data } }
      changePlan(planId, {
        currentState: body.toState,
        ...results,
        ...(body.state === undefined ? {} : { state: body.state }),
      })
      const terminal = machine?.[body.toState]?.terminal
      if (terminal === undefined || terminal === false) return planOf(planId)
      const outcome = terminal === 'failed' || body.problem !== undefined ? 'failed' : 'completed'
      return finishPlan(planId, { outcome, result: body.result, problem: body.problem })
    },
    finishPlan(planId: string, body: Parameters<typeof finishPlan>[1] & StateBeside): Plan {
      const plan = planOf(planId)
      if (plan.status === body.outcome) return plan
      if (body.version !== undefined) assertVersion(plan, body.version)
      if (body.state !== undefined && !hasEnded(plan)) changePlan(planId, { state: body.state })
      return finishPlan(planId, body)
    },
    cancelPlan(planId: string, reason: string): Plan {
      if (hasEnded(planOf(planId))) return planOf(planId)
      const problem = { code: 'cancelled', detail: `the plan was cancelled: ${reason}`, retryable: false }
      for (const row of tasksOf(planId)) {
        if (hasEnded(row.task)) continue
        const { taskId } = changeTask(row, { status: 'cancelled', problem, endedAt: clock.iso() })
        say({ type: 'task.cancelled', topic: 'task-events', planId, taskId, data: { taskId, reason } })
      }
      finishPlan(planId, { outcome: 'failed', problem })
      return changePlan(planId, { status: 'cancelled', stopReason: reason })
    },
    pause: (planId: string, reason: string): Plan =>
      changePlan(planId, { status: 'paused', paused: { reason, byId: 'test', at: clock.iso() } }),
    resume(planId: string): Plan {
      if (planOf(planId).status !== 'paused') return planOf(planId)
      const { paused: _paused, ...plan } = changePlan(planId, { status: 'running' })
      plans.set(planId, plan)
      say({ type: 'plan.resumed', topic: 'plan-events', planId, data: { planId } })
      return plan
    },
    delegateInPlan(planId: string, body: DelegateBody & StateBeside) {
      if (body.version !== undefined) assertVersion(planOf(planId), body.version)
      const delegated = delegate({ planId }, body)
      if (body.state !== undefined) changePlan(planId, { state: body.state })
      return delegated
    },
    delegateInTask: (taskId: string, body: DelegateBody) =>
      delegate({ planId: rowOf(taskId).task.planId, parent: rowOf(taskId) }, body),
    startTask(taskId: string, body: { deliveryKey: string; agent?: Task['agent'] }): Task {
      const row = rowOf(taskId)
      if (hasEnded(row.task) || row.task.status === 'waiting' || row.deliveryKey === body.deliveryKey) return row.task
      row.deliveryKey = body.deliveryKey
      const { delivery, fence } = row.task
      return changeTask(row, {
        status: 'running',
        delivery: delivery + 1,
        fence: fence + 1,
        startedAt: row.task.startedAt ?? clock.iso(),
        ...(body.agent === undefined ? {} : { agent: body.agent }),
      })
    },
    endTask: (taskId: string, ending: { ok: boolean; data: Json; reply: boolean }) => endTask(rowOf(taskId), ending),
    progress: (taskId: string, body: { progress?: number | undefined; message?: string | undefined }): Task =>
      changeTask(rowOf(taskId), defined({ progress: body.progress, message: body.message }) as never),
    wait(taskId: string, body: { gateId?: string | undefined }): Task {
      const row = rowOf(taskId)
      changeTask(row, defined({ status: 'waiting', gateId: body.gateId }) as never)
      applyDecision(row)
      return row.task
    },
    getContext: (taskId: string) =>
      contextOf(
        rowOf(taskId),
        [...tasks.values()].filter(({ task }) => task.parentTaskId === taskId),
      ),
    putContext(taskId: string, body: { state: Json; task?: OutsideTask | undefined }, version: number) {
      let row = tasks.get(taskId)
      if (row === undefined) {
        if (body.task === undefined || version !== 0) throw commonProblems.notFound.create(`no task ${taskId}`)
        row = addOutside(taskId, body.task)
      } else assertVersion(row.task, version)
      row.state = body.state
      changeTask(row, {})
      return this.getContext(taskId)
    },
    group(groupId: string) {
      const group = groups.get(groupId) ?? missing(`no group ${groupId}`)
      return groupOf(group, group.members.map(rowOf))
    },
    /** Ends tasks whose time is over. */
    wake(): void {
      for (const row of tasks.values()) {
        if (row.deadlineMs === undefined || row.deadlineMs > clock.nowMs() || hasEnded(row.task)) continue
        if (row.task.kind === 'timer') {
          endTask(row, { ok: true, data: { firedAt: clock.iso() }, reply: true })
          continue
        }
        const problem = { code: 'timeout', detail: `task ${row.task.key} took too long`, retryable: true }
        endTask(row, { ok: false, data: { problem }, reply: true })
      }
    },
  }

  function addOutside(taskId: string, outside: OutsideTask): TaskRow {
    const planId = toId('plan', newUuid())
    plans.set(planId, newPlan({ planId, title: outside.type, origin: 'task' }, clock))
    const { data, type, responseType, responseTopic, correlationId, agent } = outside
    const spec = defined({ taskId, type, data, responseType, responseTopic }) as Partial<TaskSpec>
    const row = newTask({ spec, planId, key: freeKey(planId, { type }), correlationId }, clock)
    row.task = { ...row.task, status: 'running', delivery: 1, fence: 1, ...(agent === undefined ? {} : { agent }) }
    tasks.set(taskId, row)
    return row
  }
}

export type MemoryPlans = ReturnType<typeof createMemoryPlans>

type CreateBody = Partial<Plan> & {
  readonly planId?: string | undefined
  readonly title?: string | undefined
  readonly start?: boolean
}

export interface OutsideTask {
  readonly type: string
  readonly data?: Json | undefined
  readonly responseType?: string | undefined
  readonly responseTopic?: string | undefined
  readonly correlationId?: string | undefined
  readonly agent?: Task['agent'] | undefined
}

/** What delegate and finish store in the same commit. */
export interface StateBeside {
  readonly state?: Json | undefined
  readonly version?: number | undefined
}

export interface TransitionBody {
  readonly fromState: string
  readonly toState: string
  readonly on?: string | undefined
  readonly data?: Json | undefined
  readonly state?: Json | undefined
  readonly result?: Json | undefined
  readonly problem?: ProblemValue | undefined
}

function missing(detail: string): never {
  throw commonProblems.notFound.create(detail)
}

function assertVersion(row: { version: number }, version: number): void {
  if (row.version !== version) {
    throw commonProblems.versionConflict.create(`it stands at version ${row.version}, not ${version}`)
  }
}

function problemIn(data: Json): ProblemValue {
  const problem = typeof data === 'object' && data !== null && 'problem' in data ? data.problem : undefined
  const { code, detail } = (problem ?? {}) as { code?: string; detail?: string }
  return { code: code ?? 'failed', detail: detail ?? 'the agent failed and named no problem' }
}
