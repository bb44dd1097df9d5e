/** The moments of a first run on a small project, from source: ready, first task, gate, report on the disk after the approval. Seconds from the start of the process. */
import { createFirstRun, decide, isTask, openGate, planEnd } from '../e2e/first-run/harness.ts'
import { printFigure, rounds } from './figures.ts'

const ROUNDS = 3

const measured = await rounds(ROUNDS, async () => {
  const run = createFirstRun()
  const connected = await run.start()
  const seconds = () => (Date.now() - connected.process.startedAtMs) / 1_000
  const ready = connected.readyAfterMs / 1_000
  await connected.events.until(isTask('created', ''), 'the first task')
  const task = seconds()
  await openGate(connected)
  const gate = seconds()
  await decide(connected)
  const end = await planEnd(connected)
  if (end.type !== 'plan.completed') throw new Error(`the plan ended with ${end.type}: ${run.errors()}`)
  const files = seconds() - gate
  await run.dispose()
  return { ready, task, gate, files }
})
const names = {
  ready: 'ready, s',
  task: 'first task, s',
  gate: 'gate open, s',
  files: 'approve → files written, s',
} as const
for (const [moment, what] of Object.entries(names) as [keyof typeof names, string][])
  printFigure({ bench: 'first-run', what, values: measured.map((round) => round[moment]) })
