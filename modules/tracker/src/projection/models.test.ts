import { canonicalJson, type EventEnvelope, toUuid } from '@soma/kernel'
import { describe, expect, it } from 'vitest'
import { entryOf } from './entries.ts'
import { planFact, reopened, type TaskFact, taskFact } from './facts.ts'
import { applyPlanFact, applyTaskFact, blankTask, type PlanModel, stubPlan, type TaskModel } from './models.ts'
import { aHistory, planId, taskId } from '../../testing/history.ts'

interface Models {
  readonly plans: Map<string, PlanModel>
  readonly tasks: Map<string, TaskModel>
  readonly entries: Map<string, unknown>
}

/** What `project` does with rows, with maps. */
function fold(events: readonly EventEnvelope[]): Models {
  const models: Models = { plans: new Map(), tasks: new Map(), entries: new Map() }
  const applyTask = (fact: TaskFact, event: EventEnvelope) => {
    const id = toUuid('task', fact.taskId) as string
    const planUuid = toUuid('plan', fact.planId) as string
    const stub = models.plans.get(planUuid) ?? stubPlan(planUuid, event)
    const at = event.recordedtime ?? event.time
    models.plans.set(planUuid, at < stub.sortAt ? { ...stub, sortAt: at } : stub)
    models.tasks.set(id, applyTaskFact(models.tasks.get(id) ?? blankTask(id, planUuid, event), fact, event))
  }
  for (const event of events) {
    models.entries.set(event.id, entryOf(event))
    if (event.topic === 'plan-events') {
      const fact = planFact.parse(event.data)
      const id = toUuid('plan', fact.planId) as string
      models.plans.set(id, applyPlanFact(models.plans.get(id) ?? stubPlan(id, event), fact, event))
      for (const task of fact.tasks ?? []) applyTask(reopened(task, fact.planId), event)
    } else if (event.topic === 'task-events') applyTask(taskFact.parse(event.data), event)
  }
  return models
}

const textOf = (models: Models): string =>
  canonicalJson(
    [models.plans, models.tasks, models.entries].map((map) =>
      [...(map as Map<string, unknown>)].sort(([left], [right]) => (left < right ? -1 : 1)),
    ),
  )

function shuffle<T>(items: readonly T[], seed: number): T[] {
  let state = seed * 2654435761
  const copy = [...items]
  for (let index = copy.length - 1; index > 0; index--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (index + 1)
    const [left, right] = [copy[index] as T, copy[other] as T]
    copy[index] = right
    copy[other] = left
  }
  return copy
}

describe('the read models', () => {
  it('TRK-R2 end the same in 1,000 random orders with doubles; lower versions stay in the timeline alone', () => {
    const history = aHistory()
    const expected = textOf(fold(history))
    for (let seed = 1; seed <= 1000; seed++) {
      const doubled = shuffle([...history, ...history.filter((_event, index) => (index + seed) % 3 === 0)], seed)
      expect(textOf(fold(doubled)), `seed ${seed}`).toBe(expected)
    }
    for (let length = 1; length < history.length; length++) {
      const open = history.slice(0, length)
      for (let seed = 1; seed <= 20; seed++) {
        expect(textOf(fold(shuffle([...open, ...open], seed))), `first ${length}, seed ${seed}`).toBe(
          textOf(fold(open)),
        )
      }
    }
    const { plans, tasks, entries } = fold(shuffle(history, 7))
    expect(plans.get(toUuid('plan', planId) as string)).toMatchObject({
      status: 'completed',
      version: 4,
      doc: { name: 'Docs', currentState: 'end' },
    })
    expect(tasks.get(toUuid('task', taskId(1)) as string)).toMatchObject({ status: 'completed', attempts: 2 })
    expect(tasks.get(toUuid('task', taskId(3)) as string)).toMatchObject({ status: 'completed', generation: 2 })
    expect(entries.size).toBe(history.length)
  })

  it('TRK-R3 a rewind opens the plan and the tasks that it names, in 200 random orders; late facts of the generation before do not count', () => {
    const history = aHistory({ rewound: true })
    const expected = textOf(fold(history))
    for (let seed = 1; seed <= 200; seed++) expect(textOf(fold(shuffle(history, seed))), `seed ${seed}`).toBe(expected)
    const { plans, tasks } = fold(history)
    expect(plans.get(toUuid('plan', planId) as string)).toMatchObject({
      status: 'waiting',
      generation: 2,
      ends: { 1: 4 },
      endedAt: undefined,
    })
    const states = [1, 2, 3].map((number) => tasks.get(toUuid('task', taskId(number)) as string))
    expect(states.map((task) => [task?.status, task?.generation])).toEqual([
      ['completed', 1],
      ['running', 2],
      ['completed', 2],
    ])
  })

  it('TRK-R3 a later end never replaces the first, in any order', () => {
    const history = aHistory()
    const completed = history.find((event) => event.type === 'plan.completed') as EventEnvelope
    const data = completed.data as object
    const failed = {
      ...completed,
      id: 'evt-failed',
      type: 'plan.failed',
      data: { ...data, status: 'failed', version: 9, problem: { code: 'late' } },
    }
    for (const order of [
      [...history, failed],
      [failed, ...history],
    ]) {
      expect(fold(order).plans.get(toUuid('plan', planId) as string)).toMatchObject({ status: 'completed', version: 4 })
    }
  })
})
