import { setTimeout as pause } from 'node:timers/promises'
import { definePlanner, defineWorker, type EventData, type PlanContext, spec } from '@soma/sdk'
import { extractStatements, planChecks, type Report } from '../engine.ts'
import {
  checkRequested,
  docsTruthRequested,
  type FileEntry,
  filesRequested,
  filesSaved,
  proseChecked,
  proseCheckRequested,
  questionAnswered,
  questionAsked,
  reportRequested,
  reportReviewed,
  reportWritten,
  reviewRequested,
  statementsChecked,
  surveyCompleted,
  surveyRequested,
} from './events.ts'
import type { DocsStore } from './store.ts'

type Goal = EventData<typeof docsTruthRequested>
type Plan = PlanContext<Goal>

/** A report is written again at most twice; what is rejected then is published as unproven, marked. */
const MAXIMUM_REVISIONS = 2
/** The first characters of a file that the gate shows; the whole is named by its digest. */
const PREVIEW_CHARACTERS = 18_000

const inputsOf = ({ bundle, maxStatements, paceMs }: Goal) => ({ bundle, maxStatements, paceMs })

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
export function createPlanner(store: DocsStore, options: { hasModel: boolean }) {
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
    const plan = await planOf(result)
    if (plan === undefined || ended(plan, result)) return
    const goal = plan.goal.data
    if (result.data.statements === 0) return plan.finalize({ directory: null, written: [], untouched: [] })
    const checks = result.data.tasks.map(({ name, checker }) =>
      spec(
        checkRequested[checker],
        { ...inputsOf(goal), name },
        { key: `check-${name}`, name: `Check ${name.replace('-', ' statements, part ')}` },
      ),
    )
    const research = spec(
      questionAsked,
      { ...inputsOf(goal), question: goal.question },
      { key: 'research', name: 'Answer the question' },
    )
    const prose = options.hasModel
      ? [spec(proseCheckRequested, inputsOf(goal), { key: 'prose', name: 'Read the prose with the model' })]
      : []
    plan.state.group = plan.delegateParallel([...checks, research, ...prose])
  })

  for (const event of [statementsChecked, questionAnswered, proseChecked]) {
    planner.onResult(event as typeof statementsChecked, async (result) => {
      const plan = await planOf(result)
      if (plan === undefined || result.group?.done !== true) return
      const [problem] = result.group.problems
      if (problem !== undefined) return plan.fail(problem)
      const found = result.group.results as readonly { verdicts?: string; answer?: string; findings?: string }[]
      const goal = plan.goal.data
      const verdicts = found.flatMap((entry) => entry.verdicts ?? [])
      const answer = found.find((entry) => entry.answer !== undefined)?.answer as string
      const prose = found.find((entry) => entry.findings !== undefined)?.findings ?? null
      plan.delegate(
        reportRequested,
        { ...inputsOf(goal), model: goal.model, verdicts, answer, prose, revision: null },
        { key: 'write', name: 'Write the report' },
      )
    })
  }

  planner.onResult(reportWritten, async (result) => {
    const plan = await planOf(result)
    if (plan === undefined || ended(plan, result)) return
    plan.state.report = result.data.report
    plan.state.files = result.data.files
    const round = Number(plan.state.round ?? 0)
    plan.delegate(
      reviewRequested,
      { ...inputsOf(plan.goal.data), report: result.data.report },
      { key: `review-${round + 1}`, name: 'Review the evidence' },
    )
  })

  planner.onResult(reportReviewed, async (result) => {
    const plan = await planOf(result)
    if (plan === undefined || ended(plan, result)) return
    const round = Number(plan.state.round ?? 0)
    if (result.data.rejected === 0 || round >= MAXIMUM_REVISIONS) return openGate(plan, store)
    plan.state.round = round + 1
    const goal = plan.goal.data
    const revision = { report: plan.state.report as string, rejections: result.data.rejections }
    const request = {
      ...inputsOf(goal),
      model: goal.model,
      verdicts: [],
      answer: revision.report,
      prose: null,
      revision,
    }
    plan.delegate(reportRequested, request, { key: `write-${round + 2}`, name: 'Write the report again' })
  })

  planner.onDecision(async (decision, given) => {
    const plan = given as Plan
    if (decision.outcome !== 'approved') return plan.cancel(`gate-${decision.outcome}`)
    const { files } = (await decision.payload()) as { files: readonly { name: string }[] }
    const kept = new Set(files.map(({ name }) => name))
    // Only what was shown may be written: a decider can leave files out, not change them.
    const approved = (plan.state.files as unknown as FileEntry[]).filter(({ name }) => kept.has(name))
    plan.delegate(
      filesRequested,
      { folder: plan.goal.data.folder, files: approved, paceMs: plan.goal.data.paceMs },
      { key: 'write-files', name: 'Write the approved files' },
    )
  })

  planner.onResult(filesSaved, async (result) => {
    const plan = await planOf(result)
    if (plan === undefined || ended(plan, result)) return
    plan.finalize(result.data)
  })
  return planner
}

const planOf = async (result: { restorePlan(): Promise<PlanContext | undefined> }): Promise<Plan | undefined> =>
  (await result.restorePlan()) as Plan | undefined

/** A failed task fails the plan with its problem. */
function ended(plan: Plan, result: { problem: { code: string; detail: string } | undefined }): boolean {
  if (result.problem !== undefined) plan.fail(result.problem)
  return result.problem !== undefined
}

async function openGate(plan: Plan, store: DocsStore): Promise<void> {
  const files = plan.state.files as unknown as FileEntry[]
  const report = store.getJson<Report>(plan.state.report as string)
  const preview = (name: string) =>
    store.get(files.find((file) => file.name === name)?.sha256 as string).slice(0, PREVIEW_CHARACTERS)
  await plan.openGate({
    key: 'publish',
    title: 'Write the report into the folder?',
    payload: {
      folder: plan.goal.data.folder,
      into: 'soma-report (or -2, -3 … if one with other content exists)',
      files: files.map((file) => ({ ...file })),
      tools: [
        'bundle.list',
        'bundle.read',
        'bundle.search',
        'docs.extract-statements',
        'file.write (in process, idempotent by content; the sandbox comes later)',
      ],
      model: plan.goal.data.model,
      tokens: 0,
      costMicros: 0,
      deciders: 'anyone with gate:decide',
    },
    editSchema: {
      type: 'object',
      additionalProperties: false,
      properties: { files: { type: 'array', items: { type: 'object' } } },
    },
    requirements: [{ deciders: [], quorum: 1, humans: 1, excludeRequester: false }],
    evidence: [
      {
        label: `report.md: ${report.counts.false} of ${report.counts.statements} statements are false`,
        text: preview('report.md'),
      },
      { label: 'fixes.patch', text: preview('fixes.patch') || 'No fix is certain enough for the patch.' },
    ],
  })
}
