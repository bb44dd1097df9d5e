import { setTimeout as pause } from 'node:timers/promises'
import { definePlanner, defineWorker, type PlanContext } from '@soma/sdk'
import { extractStatements, planChecks } from '../engine.ts'
import {
  docsTruthRequested,
  filesSaved,
  proseChecked,
  questionAnswered,
  reportReviewed,
  reportWritten,
  statementsChecked,
  surveyCompleted,
  surveyRequested,
} from './events.ts'
import { check, type Found, inputsOf, type Plan, review, reviseOrAsk, write, writeFiles } from './plan-steps.ts'
import type { DocsStore } from './store.ts'

/** Finds what there is to check, for the planner. */
export function createSurveyor(store: DocsStore) {
  const worker = defineWorker({
    name: 'docs-surveyor',
    description: 'Finds every checkable statement of the documents.',
    capabilities: ['survey-documents'],
  })
  worker.onTask(surveyRequested, async (task) => {
    if (task.data.paceMs > 0) await pause(task.data.paceMs)
    const { documents, statements } = extractStatements(store.bundle(task.data.bundle), task.data)
    const tasks = planChecks(statements).map(({ name, checker }) => ({ name, checker }))
    task.complete({ documents: documents.length, statements: statements.length, tasks })
  })
  return worker
}

/** Survey → checks and research side by side → report → review, at most twice revised → gate `publish` → files written → done. */
export function createPlanner(store: DocsStore, { hasModel }: { hasModel: boolean }) {
  const planner = definePlanner({
    name: 'docs-planner',
    description: 'Plans how to find out whether documents are true.',
    capabilities: ['check-documents'],
  })

  planner.onGoal(docsTruthRequested, async (goal, { plans }) => {
    const title = `Are your docs true? ${goal.data.folder}`.slice(0, 200)
    const plan = await plans.createFromGoal(goal, { title, labels: { demo: 'docs-truth' } })
    plan.delegate(surveyRequested, inputsOf(goal.data), { key: 'survey', name: 'Survey the documents' })
  })
  planner.onResult(surveyCompleted, async (result) => {
    const plan = await goingOn(result)
    if (plan !== undefined) check(plan, result.data, hasModel)
  })
  for (const event of [statementsChecked, questionAnswered, proseChecked]) {
    planner.onResult(event as typeof statementsChecked, async (result) => {
      const { group } = result
      const plan = await planOf(result)
      if (plan === undefined || group?.done !== true) return
      const [problem] = group.problems
      if (problem === undefined) write(plan, group.results as readonly Found[])
      else plan.fail(problem)
    })
  }
  planner.onResult(reportWritten, async (result) => {
    const plan = await goingOn(result)
    if (plan !== undefined) review(plan, result.data)
  })
  planner.onResult(reportReviewed, async (result) => {
    const plan = await goingOn(result)
    if (plan !== undefined) await reviseOrAsk(plan, result.data, store)
  })
  planner.onDecision(async (decision, given) => {
    const plan = given as Plan
    if (decision.outcome !== 'approved') return plan.cancel(`gate-${decision.outcome}`)
    writeFiles(plan, ((await decision.payload()) as { files: readonly { name: string }[] }).files)
  })
  planner.onResult(filesSaved, async (result) => {
    const plan = await goingOn(result)
    plan?.finalize(result.data)
  })
  return planner
}

interface Result {
  readonly problem: { code: string; detail: string } | undefined
  restorePlan(): Promise<PlanContext | undefined>
}

const planOf = async (result: Pick<Result, 'restorePlan'>): Promise<Plan | undefined> =>
  (await result.restorePlan()) as Plan | undefined

/** The plan of a task that has ended well. A failed one fails the plan with its problem. */
async function goingOn(result: Result): Promise<Plan | undefined> {
  const plan = await planOf(result)
  if (result.problem === undefined) return plan
  plan?.fail(result.problem)
  return undefined
}
