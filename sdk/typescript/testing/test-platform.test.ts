import { afterEach, expect, it } from 'vitest'
import * as z from 'zod'
import { defineEvent, definePlanner, defineWorker, spec } from '../src/index.ts'
import { type CrashPoint, createTestPlatform, type TestPlatform } from './index.ts'

const partCompleted = defineEvent({
  type: 'part.completed',
  topic: 'action-results',
  description: 'A part is done.',
  data: z.object({ doubled: z.number() }),
})
const partRequested = defineEvent({
  type: 'part.requested',
  topic: 'action-requests',
  description: 'Asks for a part.',
  data: z.object({ part: z.number() }),
  response: partCompleted,
})
const sumCompleted = defineEvent({
  type: 'sum.completed',
  topic: 'action-results',
  description: 'A sum.',
  data: z.object({ sum: z.number(), joined: z.number() }),
})
const sumRequested = defineEvent({
  type: 'sum.requested',
  topic: 'action-requests',
  description: 'Asks for a sum.',
  data: z.object({ parts: z.array(z.number()) }),
  response: sumCompleted,
})

let platform: TestPlatform
afterEach(() => platform?.stop())

const aPartWorker = (handle: (part: number, attempt: number) => void = () => undefined) => {
  const worker = defineWorker({ name: 'part-worker', description: 'Doubles.', startAt: 'earliest' })
  worker.onTask(partRequested, (task) => {
    handle(task.data.part, task.attempt)
    task.complete({ doubled: task.data.part * 2 })
  })
  return worker
}

const anAdder = () => {
  const adder = defineWorker({ name: 'adder', description: 'Adds.' })
  adder.onTask(sumRequested, (task) => {
    task.state.joined = 0
    task.delegateParallel(task.data.parts.map((part) => spec(partRequested, { part })))
  })
  adder.onResult(partCompleted, async (result) => {
    const task = await result.restoreTask()
    if (task === undefined) return
    task.state.joined = Number(task.state.joined) + 1
    if (result.group?.done !== true) return
    const sum = (result.group.results as { doubled: number }[]).reduce((total, { doubled }) => total + doubled, 0)
    task.complete({ sum, joined: task.state.joined } as never)
  })
  return adder
}

it('runs a fan-out with the real SDK', async () => {
  platform = await createTestPlatform()
  await platform.start(aPartWorker(), anAdder())
  const reply = await platform.request(sumRequested, { parts: [1, 2, 3] })
  expect(reply?.data).toEqual({ sum: 12, joined: 3 })
  expect(platform.tasks().map(({ status }) => status)).toEqual(['completed', 'completed', 'completed', 'completed'])
  expect(platform.published('part.requested')).toHaveLength(3)
})

it.each(['before-save', 'before-settle', 'after-settle'] as const)(
  'kills an agent %s, and its next process finishes once',
  async (at: CrashPoint) => {
    platform = await createTestPlatform()
    await platform.start(aPartWorker(), anAdder())
    platform.crash('adder', at)
    const reply = await platform.request(sumRequested, { parts: [1, 2, 3] })
    expect(reply?.data).toEqual({ sum: 12, joined: 3 })
    expect(platform.published('part.requested')).toHaveLength(3)
    expect(platform.published('sum.completed')).toHaveLength(1)
  },
)

it('retries in moved time, and answers a request whose delivery dies', async () => {
  platform = await createTestPlatform()
  const attempts: number[] = []
  const worker = aPartWorker((part, attempt) => {
    attempts.push(attempt)
    if (part < 0) throw new Error('never')
  })
  await platform.start(worker)
  await platform.publish(partRequested, { part: -1 })
  await platform.settle()
  expect(attempts).toEqual([1])
  for (const ms of [1000, 2000, 4000]) await platform.advance(ms)
  expect([attempts, platform.deadLetters()]).toEqual([[1, 2, 3, 4], []])
  await platform.advance(8000)
  expect(attempts).toEqual([1, 2, 3, 4, 5])
  expect(platform.deadLetters()[0]?.problem).toMatchObject({ code: 'handler-failed', detail: 'never' })
  expect(platform.published('part.completed')[0]).toMatchObject({
    outcome: 'failed',
    data: { problem: { code: 'handler-failed' } },
  })
})

it('hands events out twice and round, and answers as if it had not', async () => {
  platform = await createTestPlatform()
  await platform.start(anAdder())
  const id = await platform.publish(sumRequested, { parts: [1, 2] })
  await platform.settle()
  await platform.duplicate(id)
  await platform.reorder()
  await platform.start(aPartWorker())
  platform.fail(2)
  await platform.settle()
  await platform.advance(60_000)
  expect(platform.published('part.requested')).toHaveLength(2)
  expect(platform.published('sum.completed').map(({ data }) => data)).toEqual([{ sum: 6, joined: 2 }])
})

it('opens gates that the test decides, and fails tasks whose time is over', async () => {
  platform = await createTestPlatform()
  const planner = definePlanner({ name: 'planner', description: 'Plans.' })
  planner.onGoal(sumRequested, async (goal, context) => {
    const plan = await context.plans.createFromGoal(goal)
    plan.delegate(partRequested, { part: 1 }, { timeoutMs: 5000 })
  })
  planner.onResult(partCompleted, async (result) => {
    const plan = await result.restorePlan()
    await plan?.openGate({
      key: 'go-on',
      title: 'Go on without it?',
      payload: { problem: result.problem?.code ?? null },
    })
  })
  planner.onDecision((decision, plan) => {
    if (decision.outcome === 'approved') plan.finalize({ sum: 0, joined: 0 })
    else plan.fail({ code: 'refused', detail: 'not without it' })
  })
  await platform.start(planner)
  await platform.publish(sumRequested, { parts: [] })
  await platform.settle()
  expect(platform.gates()).toEqual([])
  await platform.advance(5000)
  const [gate] = platform.gates()
  expect(gate).toMatchObject({ title: 'Go on without it?', payload: { problem: 'timeout' } })
  await platform.decide(gate?.gateId ?? '', 'reject')
  expect(platform.plans()[0]).toMatchObject({ status: 'failed', problem: { code: 'refused' } })
  expect(platform.published('sum.completed')[0]?.outcome).toBe('failed')
})

it('refuses what the platform would refuse: unknown types and data that does not fit', async () => {
  platform = await createTestPlatform()
  await platform.start(aPartWorker())
  await expect(platform.publish(sumRequested, { parts: [1] })).rejects.toMatchObject({ code: 'unknown-event-type' })
  await expect(platform.publish(partRequested, { part: 'one' } as never)).rejects.toMatchObject({
    code: 'schema-mismatch',
  })
})

it('an agent stops also while the platform is away for good; what it had in hand is nobody’s to wait for', async () => {
  platform = await createTestPlatform()
  const worker = defineWorker({ name: 'part-worker', description: 'Never ends.', startAt: 'earliest', graceMs: 10 })
  let begun: () => void = () => undefined
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  worker.onTask(partRequested, () => {
    begun()
    return new Promise(() => undefined)
  })
  await platform.start(worker)
  await platform.publish(partRequested, { part: 1 })
  await isBegun
  platform.fail(Number.POSITIVE_INFINITY)
  await platform.stop()
  platform.fail(0)
  expect(platform.published('part.completed')).toEqual([])
})
