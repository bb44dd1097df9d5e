import { defineEvent } from '@soma/sdk'
import { z } from 'zod'

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const fileEntry = z.strictObject({ name: z.string(), sha256: digest, bytes: z.number().int() })
export type FileEntry = z.infer<typeof fileEntry>

const inputs = {
  /** The packed folder. */
  bundle: digest,
  maxStatements: z.number().int().min(1).max(10_000),
  /** Slows each task down, for demonstrations. */
  paceMs: z.number().int().min(0).max(5_000),
}

const request = <
  Type extends string,
  Data extends z.ZodType,
  Response extends Parameters<typeof defineEvent>[0]['response'],
>(
  type: Type,
  options: { description: string; data: Data; response: Response },
) => defineEvent({ type, topic: 'action-requests', ...options })

const reply = <Type extends string, Data extends z.ZodType>(type: Type, description: string, data: Data) =>
  defineEvent({ type, topic: 'action-results', description, data })

export const docsTruthCompleted = reply(
  'docs-truth.completed',
  'Where the report was written, or that there was nothing to check.',
  z.strictObject({ directory: z.string().nullable(), written: z.array(z.string()), untouched: z.array(z.string()) }),
)
export const docsTruthRequested = request('docs-truth.requested', {
  description: 'Are the documents of a packed folder true?',
  data: z.strictObject({ ...inputs, folder: z.string(), question: z.string().max(500), model: z.string() }),
  response: docsTruthCompleted,
})

export const surveyCompleted = reply(
  'docs-survey.completed',
  'What there is to check.',
  z.strictObject({
    documents: z.number().int(),
    statements: z.number().int(),
    tasks: z.array(z.strictObject({ name: z.string(), checker: z.enum(['path', 'command', 'config', 'version']) })),
  }),
)
export const surveyRequested = request('docs-survey.requested', {
  description: 'Find every checkable statement.',
  data: z.strictObject(inputs),
  response: surveyCompleted,
})

export const statementsChecked = reply(
  'statements.checked',
  'The verdicts on up to 50 statements.',
  z.strictObject({ verdicts: digest, true: z.number().int(), false: z.number().int(), unchecked: z.number().int() }),
)
const check = (type: string, description: string) =>
  request(type, { description, data: z.strictObject({ ...inputs, name: z.string() }), response: statementsChecked })
export const checkRequested = {
  path: check('path-check.requested', 'Check paths, links and anchors.'),
  command: check('command-check.requested', 'Check commands, scripts and flags; nothing is executed.'),
  config: check('config-check.requested', 'Check environment variables, ports and settings.'),
  version: check('version-check.requested', 'Check versions, engines, licences and package names.'),
} as const

export const questionAnswered = reply(
  'docs-question.answered',
  'Sentences of the documents, quoted with their place.',
  z.strictObject({ answer: digest, sentences: z.number().int() }),
)
export const questionAsked = request('docs-question.requested', {
  description: 'Answer a question from the documents.',
  data: z.strictObject({ ...inputs, question: z.string() }),
  response: questionAnswered,
})

export const proseChecked = reply(
  'prose.checked',
  'What a model doubts, with quotes.',
  z.strictObject({ findings: digest, suspects: z.number().int() }),
)
export const proseCheckRequested = request('prose-check.requested', {
  description: 'Read the sentences that no pattern covers.',
  data: z.strictObject(inputs),
  response: proseChecked,
})

export const reportWritten = reply(
  'docs-report.written',
  'The three files of the report.',
  z.strictObject({ report: digest, files: z.array(fileEntry), false: z.number().int(), statements: z.number().int() }),
)
export const reportRequested = request('docs-report.requested', {
  description: 'Write report and patch from what was found, or write them again without what the reviewer rejected.',
  data: z.strictObject({
    ...inputs,
    model: z.string(),
    verdicts: z.array(digest),
    answer: digest,
    prose: digest.nullable(),
    revision: z.strictObject({ report: digest, rejections: digest }).nullable(),
  }),
  response: reportWritten,
})

export const reportReviewed = reply(
  'docs-report.reviewed',
  'What the evidence does not prove.',
  z.strictObject({ rejected: z.number().int(), rejections: digest }),
)
export const reviewRequested = request('docs-review.requested', {
  description: 'Look every citation up again.',
  data: z.strictObject({ ...inputs, report: digest }),
  response: reportReviewed,
})

export const filesSaved = reply(
  'docs-files.saved',
  'Where the approved files are.',
  z.strictObject({ directory: z.string(), written: z.array(z.string()), untouched: z.array(z.string()) }),
)
export const filesRequested = request('docs-files.requested', {
  description: 'Write the approved files once.',
  data: z.strictObject({ folder: z.string(), files: z.array(fileEntry), paceMs: inputs.paceMs }),
  response: filesSaved,
})
