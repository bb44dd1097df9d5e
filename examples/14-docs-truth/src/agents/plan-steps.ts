import { type EventData, type PlanContext, spec } from '@soma/sdk'
import type { Report } from '../engine.ts'
import {
  checkRequested,
  type docsTruthRequested,
  type FileEntry,
  filesRequested,
  proseCheckRequested,
  questionAsked,
  reportRequested,
  type reportReviewed,
  type reportWritten,
  reviewRequested,
  type surveyCompleted,
} from './events.ts'
import type { DocsStore } from './store.ts'

export type Goal = EventData<typeof docsTruthRequested>
export type Plan = PlanContext<Goal>

/** A report is written again at most twice; what is rejected then is published as unproven, marked. */
const MAXIMUM_REVISIONS = 2
/** The first characters of a file that the gate shows; the whole is named by its digest. */
const PREVIEW_CHARACTERS = 18_000

export const inputsOf = ({ bundle, maxStatements, paceMs }: Goal) => ({ bundle, maxStatements, paceMs })

/** One task a checker and part, beside the research and, with a model, the reading of the prose. */
export function check(plan: Plan, survey: EventData<typeof surveyCompleted>, hasModel: boolean): void {
  const goal = plan.goal.data
  if (survey.statements === 0) return plan.finalize({ directory: null, written: [], untouched: [] })
  const checks = survey.tasks.map(({ name, checker }) =>
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
  const prose = hasModel
    ? [spec(proseCheckRequested, inputsOf(goal), { key: 'prose', name: 'Read the prose with the model' })]
    : []
  plan.state.group = plan.delegateParallel([...checks, research, ...prose])
}

/** What the members of the group answered, each in its own field. */
export interface Found {
  readonly verdicts?: string
  readonly answer?: string
  readonly findings?: string
}

export function write(plan: Plan, found: readonly Found[]): void {
  const goal = plan.goal.data
  const verdicts = found.flatMap((entry) => entry.verdicts ?? [])
  const answer = found.find((entry) => entry.answer !== undefined)?.answer as string
  const prose = found.find((entry) => entry.findings !== undefined)?.findings ?? null
  plan.delegate(
    reportRequested,
    { ...inputsOf(goal), model: goal.model, verdicts, answer, prose, revision: null },
    { key: 'write', name: 'Write the report' },
  )
}

const roundOf = (plan: Plan): number => Number(plan.state.round ?? 0)

export function review(plan: Plan, { report, files }: EventData<typeof reportWritten>): void {
  plan.state.report = report
  plan.state.files = files
  plan.delegate(
    reviewRequested,
    { ...inputsOf(plan.goal.data), report },
    { key: `review-${roundOf(plan) + 1}`, name: 'Review the evidence' },
  )
}

/** Writes the report again without what was rejected, or opens the gate. */
export async function reviseOrAsk(
  plan: Plan,
  { rejected, rejections }: EventData<typeof reportReviewed>,
  store: DocsStore,
): Promise<void> {
  const round = roundOf(plan)
  if (rejected === 0 || round >= MAXIMUM_REVISIONS) return openGate(plan, store)
  plan.state.round = round + 1
  const goal = plan.goal.data
  const revision = { report: plan.state.report as string, rejections }
  const request = { ...inputsOf(goal), model: goal.model, verdicts: [], answer: revision.report, prose: null, revision }
  plan.delegate(reportRequested, request, { key: `write-${round + 2}`, name: 'Write the report again' })
}

/** Only what was shown may be written: a decider can leave files out, not change them. */
export function writeFiles(plan: Plan, approved: readonly { name: string }[]): void {
  const kept = new Set(approved.map(({ name }) => name))
  const files = (plan.state.files as unknown as FileEntry[]).filter(({ name }) => kept.has(name))
  plan.delegate(
    filesRequested,
    { folder: plan.goal.data.folder, files, paceMs: plan.goal.data.paceMs },
    { key: 'write-files', name: 'Write the approved files' },
  )
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
