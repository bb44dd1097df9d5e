import assert from 'node:assert/strict'
import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { EventLog, Fact } from './event-log.ts'
import { decide, type FirstRun, isTask, openGate, planEnd, plansOf, tasksOf, timelineOf } from './harness.ts'
import type { Connected } from './start-process.ts'

/** One row of the table: what was measured. */
export interface KillRow {
  readonly moment: string
  readonly holds: string
  readonly readyAfterMs: number
  /** From the server's readiness to the first new fact of a task; undefined where nothing is left to do. */
  readonly resumedAfterMs: number | undefined
  readonly endedAfterMs: number
}

/** Promised: the first new task fact at most so long after the server is ready again. Asserted with a margin for machines that do other work. */
export const RESUME_MS = 5_000
const RESUME_MARGIN = 6

export interface KillMoment {
  readonly moment: string
  run(run: FirstRun, expected: readonly Digest[]): Promise<KillRow>
}

export interface Digest {
  readonly name: string
  readonly sha256: string
}
export const digestsOf = (run: FirstRun): readonly Digest[] =>
  run.report().map(({ name, sha256 }) => ({ name, sha256 }))

export interface Undisturbed {
  readonly digests: readonly Digest[]
  readonly keys: readonly string[]
  readonly readyMs: number
  readonly workMs: number
}

/** The report and the times of a run that nothing disturbs. */
export async function undisturbed(run: FirstRun): Promise<Undisturbed> {
  const started = await run.start()
  await decide(started)
  const end = await planEnd(started)
  const workMs = Date.now() - started.readyAtMs
  assert.equal(end.type, 'plan.completed')
  const tasks = await tasksOf(started, end.data.planId as string)
  await started.process.kill()
  return { digests: digestsOf(run), keys: tasks.map(({ key }) => key), readyMs: started.readyAfterMs, workMs }
}

/** Slow enough that each moment is a window of its own. */
const PACE = ['--pace-ms', '600']

export const KILL_TABLE: readonly KillMoment[] = [
  {
    moment: 'while checks run',
    async run(run, expected) {
      const before = await run.start(PACE)
      await untilHalfChecked(before.events)
      await before.process.kill()
      const killedAtMs = Date.now()
      const after = await run.start()
      await decide(after)
      const row = await endOf(run, { after, expected })
      const { finished, begun } = standingAt(after.events.facts, killedAtMs)
      assert.ok(finished.length > 0 && begun.length > 0, 'the kill came between the checks')
      const tasks = await tasksOf(after, row.planId)
      const attemptsOf = (keys: readonly string[]) =>
        keys.map((key) => [key, tasks.find((task) => task.key === key)?.delivery])
      assert.deepEqual(
        attemptsOf(finished),
        finished.map((key) => [key, 1]),
      )
      assert.deepEqual(
        attemptsOf(begun),
        begun.map((key) => [key, 2]),
      )
      await assertOutageInTimeline(after, { planId: row.planId, keys: begun, killedAtMs })
      return {
        ...row,
        moment: this.moment,
        holds: `${finished.length} finished tasks at attempt 1, ${begun.length} interrupted at attempt 2, outage in the timeline, bytes equal`,
      }
    },
  },
  {
    moment: 'at the open gate',
    async run(run, expected) {
      const before = await run.start()
      const shown = await openGate(before)
      await before.events.until(isTask('waiting', 'publish'), 'the plan to wait at its gate')
      await before.process.kill()
      const after = await run.start()
      const { gateId } = shown
      const again = await after.clients.governance.gates.get({ params: { gateId } })
      const { timeLeftMs: _left, ...shownBefore } = shown
      const { timeLeftMs: _less, ...shownAfter } = again
      assert.deepEqual(shownAfter, shownBefore, 'the gate is the same: id, evidence, deadline')
      await decide(after)
      const row = await endOf(run, { after, expected })
      return {
        ...row,
        moment: this.moment,
        resumedAfterMs: undefined,
        holds: `${gateId} open again, evidence and deadline unchanged`,
      }
    },
  },
  {
    moment: 'decided, not yet written',
    async run(run, expected) {
      const before = await run.start(PACE)
      await decide(before)
      await before.process.kill()
      assert.deepEqual(run.report(), [], 'nothing was written before the kill')
      const after = await run.start()
      const row = await endOf(run, { after, expected })
      return { ...row, moment: this.moment, holds: 'written without being asked again: 1 gate, 1 decision' }
    },
  },
  {
    moment: 'written, outcome not yet recorded',
    async run(run, expected) {
      const before = await run.start(PACE)
      const written = untilWritten(run, expected.length)
      await decide(before)
      await written
      await before.process.kill()
      const first = run.report()
      assert.equal(
        keysOf(before.events.facts, 'task.completed').includes('write-files'),
        false,
        'its outcome was not known',
      )
      const after = await run.start()
      const row = await endOf(run, { after, expected })
      assert.deepEqual(run.report(), first, 'no file was touched')
      const write = (await tasksOf(after, row.planId)).find(({ key }) => key === 'write-files')
      assert.ok(write !== undefined, 'the task that writes is in the plan')
      assert.equal(write.delivery, 2)
      assert.deepEqual((write.output as { written: unknown }).written, [], 'the second attempt wrote nothing')
      return {
        ...row,
        moment: this.moment,
        holds: 'second attempt touched nothing, modification times unchanged, 1 effect',
      }
    },
  },
  {
    moment: 'after completion',
    async run(run, expected) {
      const before = await run.start()
      await decide(before)
      await planEnd(before)
      await before.process.kill()
      const first = run.report()
      const after = await run.start()
      // Only then has it looked what there is to do.
      await after.process.said(/^Done /m)
      const row = await endOf(run, { after, expected })
      const facts = after.events.facts.filter(({ type }) => /^(task|plan|gate)\./.test(type))
      const known = new Set(before.events.facts.map(({ id }) => id))
      assert.deepEqual(
        facts.filter(({ id }) => !known.has(id)).map(({ type }) => type),
        [],
        'nothing runs',
      )
      assert.deepEqual(run.report(), first)
      return { ...row, moment: this.moment, holds: 'nothing runs, the report is there' }
    },
  },
]

/** One of the two path checks is finished and the other begun: their worker does one at a time. */
async function untilHalfChecked(events: EventLog): Promise<void> {
  const first = await events.until(isTask('completed', 'check-path'), 'the first finished path check')
  const isOther = isTask('started', 'check-path')
  await events.until((fact) => isOther(fact) && fact.data.key !== first.data.key, 'the other path check')
}

/** Which tasks had begun by then, and which of them had answered: an answer that is in the log is never asked for again. */
function standingAt(facts: readonly Fact[], atMs: number) {
  const old = facts.filter(({ time }) => Date.parse(time) < atMs)
  const started = old.filter(({ type }) => type === 'task.started')
  const answered = new Set(old.flatMap(({ type, taskid }) => (type.startsWith('task.') ? [] : [taskid])))
  const keys = (isFinished: boolean) =>
    started.filter(({ data }) => answered.has(data.taskId as string) === isFinished).map(({ data }) => String(data.key))
  return { finished: keys(true), begun: keys(false) }
}

const keysOf = (facts: readonly Fact[], type: string): readonly string[] =>
  facts.filter((fact) => fact.type === type).map(({ data }) => String(data.key))

/** Resolves when all files of the report stand under their names. */
export function untilWritten(run: FirstRun, count: number): Promise<void> {
  return new Promise((resolve) => {
    let inner: ReturnType<typeof watch> | undefined
    const look = () => {
      const place = join(run.folder, 'soma-report')
      if (inner === undefined && existsSync(place)) inner = watch(place, look)
      if (run.report().length < count) return
      outer.close()
      inner?.close()
      resolve()
    }
    const outer = watch(run.folder, look)
    look()
  })
}

/** Waits for the end and proves what holds in every row: the same bytes in one folder, one gate, one decision, each task once. */
async function endOf(run: FirstRun, { after, expected }: { after: Connected; expected: readonly Digest[] }) {
  const end = await planEnd(after)
  const endedAfterMs = Date.now() - after.process.startedAtMs
  assert.equal(end.type, 'plan.completed', JSON.stringify(end.data.problem))
  await assertOnce(run, { after, expected })
  const resumedAfterMs = resumedAfter(after)
  if (resumedAfterMs !== undefined)
    assert.ok(resumedAfterMs <= RESUME_MS * RESUME_MARGIN, `resumed after ${resumedAfterMs} ms`)
  return { planId: end.data.planId as string, readyAfterMs: after.readyAfterMs, resumedAfterMs, endedAfterMs }
}

/** From readiness to the first fact of a task that this process made; undefined when it made none. */
export function resumedAfter({ events, readyAtMs, process }: Connected): number | undefined {
  const times = events.facts
    .filter(({ type, time }) => type.startsWith('task.') && Date.parse(time) >= process.startedAtMs)
    .map(({ time }) => Date.parse(time))
  return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - readyAtMs)
}

export async function assertOnce(
  run: FirstRun,
  { after, expected }: { after: Connected; expected: readonly Digest[] },
) {
  assert.deepEqual(run.reportFolders(), ['soma-report'])
  assert.deepEqual(digestsOf(run), expected, 'the bytes are those of an undisturbed run')
  const plans = await plansOf(after)
  assert.equal(plans.length, 1, 'one plan')
  const planId = plans[0]?.planId as string
  const gates = await after.clients.governance.gates.list({ query: { planId } })
  assert.equal(gates.items.length, 1, 'one gate')
  const count = (type: string) => after.events.facts.filter((fact) => fact.type === type).length
  assert.equal(count('gate.decided'), 1, 'one decision')
  const completed = keysOf(after.events.facts, 'task.completed')
  assert.equal(new Set(completed).size, completed.length, 'no task completed twice')
  const tasks = await tasksOf(after, planId)
  assert.deepEqual(
    tasks.map(({ key }) => key),
    completed.toSorted((left, right) => left.localeCompare(right)),
    'no task is lost',
  )
}

interface Outage {
  readonly planId: string
  readonly keys: readonly string[]
  readonly killedAtMs: number
}

/** The timeline says of each interrupted task that it began, that after the kill its lease was found lost, and that it began again. */
async function assertOutageInTimeline(after: Connected, { planId, keys, killedAtMs }: Outage) {
  const tasks = await tasksOf(after, planId)
  const entries = await timelineOf(after, planId)
  for (const key of keys) {
    const taskId = tasks.find((task) => task.key === key)?.taskId
    const told = entries
      .filter((entry) => entry.taskId === taskId && /^task\.(started|retried)$/.test(entry.type))
      .map(({ type, at, summary }) => [type, Date.parse(at) > killedAtMs, summary.endsWith(': lease-lost')])
    assert.deepEqual(
      told,
      [
        ['task.started', false, false],
        ['task.retried', true, true],
        ['task.started', true, false],
      ],
      `the timeline of ${key}`,
    )
  }
}
