import type { Evidence } from '../checkers/verdict.ts'
import { code, prose } from './markdown.ts'
import type { Report, ReportItem } from './report.ts'

/** Statements of one unchecked reason that are listed; the rest is counted and stands in report.json. */
const LISTED = 20

/** The report as Markdown. */
export function renderReport(report: Report): string {
  const sections = [
    top(report),
    falseStatements(report),
    answer(report),
    suspects(report),
    variables(report),
    unchecked(report),
    accepted(report),
    rejected(report),
    notRead(report),
    HOW_MADE,
  ]
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}

function top({ model, counts }: Report): string {
  const lines = [
    '# Are your docs true?',
    '',
    `Model: ${prose(model)}.`,
    '',
    '| documents | statements | true | false | unchecked | accepted |',
    '|---|---|---|---|---|---|',
    `| ${counts.documents} | ${counts.statements + counts.accepted} | ${counts.true} | **${counts.false}** | ${counts.unchecked} | ${counts.accepted} |`,
  ]
  if (counts.statements + counts.accepted === 0)
    lines.push('', 'Nothing to check: no document of the folder makes a statement that can be looked up.')
  if (counts.leftOut > 0)
    lines.push('', `${counts.leftOut} more statements are over the limit of this run and were not checked.`)
  return lines.join('\n')
}

const place = (file: string, line: number): string => code(`${file}:${line}`)

function falseStatements({ items }: Report): string {
  const found = items.filter((item) => item.verdict === 'false')
  if (found.length === 0) return '## False\n\nNo statement is contradicted by the folder.'
  return ['## False', ...found.map(falseStatement)].join('\n\n')
}

function falseStatement(item: ReportItem): string {
  const lines = [
    `### ${place(item.file, item.line)} (${item.kind})`,
    '',
    `> ${code(item.quote)}`,
    '',
    `${prose(item.reason)}`,
    '',
    ...item.evidence.map((evidence) => `- ${evidenceLine(evidence)}`),
  ]
  if (item.fix !== undefined) lines.push(`- Fix, in the patch: ${code(item.subject)} → ${code(item.fix.replacement)}`)
  if (item.suggestion !== undefined) lines.push(`- Suggestion: ${prose(item.suggestion)}`)
  return lines.join('\n')
}

function evidenceLine(evidence: Evidence): string {
  if (evidence.type === 'line') return `${place(evidence.file, evidence.line)} says ${code(evidence.quote)}`
  if (evidence.type === 'absent-word') return `No code of the folder holds ${code(evidence.word)}.`
  if (evidence.type === 'absent-anchor') return `${code(evidence.file)} has no anchor ${code(`#${evidence.anchor}`)}.`
  if (evidence.isThere) return `${code(evidence.path)} is in the folder.`
  const nearby = evidence.nearby ?? []
  return `${code(evidence.path)} is not in the folder${nearby.length === 0 ? '' : `; beside it: ${nearby.map(code).join(', ')}`}.`
}

function answer({ answer: { question, sentences } }: Report): string {
  const quotes = sentences.map((sentence) => `- ${code(sentence.quote)} (${place(sentence.file, sentence.line)})`)
  const body = quotes.length === 0 ? 'No document of the folder answers this.' : quotes.join('\n')
  return `## Answer\n\nQuestion: ${prose(question)}\n\n${body}`
}

function suspects({ suspects: found, proseLeftOut }: Report): string {
  if (found.length === 0 && proseLeftOut.length === 0) return ''
  const lines = found.map(
    (suspect) =>
      `- ${code(suspect.quote)} (${place(suspect.file, suspect.line)}): ${prose(suspect.reason)}` +
      (suspect.against === undefined
        ? ''
        : ` Against it: ${code(suspect.against.quote)} (${place(suspect.against.file, suspect.against.line)}).`),
  )
  const left = proseLeftOut.map((part) => `- Left out: ${code(part.file)}, ${prose(part.reason)}`)
  return [
    '## Suspect, says the model',
    '',
    'These sentences have no verdict; a person decides.',
    '',
    ...lines,
    ...left,
  ].join('\n')
}

function variables({ undocumentedVariables }: Report): string {
  if (undocumentedVariables.length === 0) return ''
  const lines = undocumentedVariables.map(
    ({ name, place: at }) => `- ${code(name)}, read at ${place(at.file, at.line)}`,
  )
  return ['## Read by the code, named in no document', '', ...lines].join('\n')
}

function unchecked({ items }: Report): string {
  const found = items.filter((item) => item.verdict === 'unchecked')
  if (found.length === 0) return ''
  const groups = (['needs network', 'ambiguous', 'not a statement about this folder'] as const).flatMap((because) => {
    const group = found.filter((item) => item.because === because)
    if (group.length === 0) return []
    const lines = group
      .slice(0, LISTED)
      .map((item) => `- ${place(item.file, item.line)} ${code(item.subject)}: ${prose(item.reason)}`)
    const rest = group.length > LISTED ? [`- and ${group.length - LISTED} more, in report.json`] : []
    return [`### ${because} (${group.length})\n\n${[...lines, ...rest].join('\n')}`]
  })
  return ['## Unchecked', ...groups].join('\n\n')
}

function accepted({ accepted: found, unusedAcceptances }: Report): string {
  if (found.length === 0 && unusedAcceptances.length === 0) return ''
  const lines = found.map(
    ({ item, reason }) => `- ${place(item.file, item.line)} ${code(item.quote)} (${item.verdict}): ${prose(reason)}`,
  )
  const unused = unusedAcceptances.map(
    (entry) => `- fits no statement any more: ${code(entry.file)} ${code(entry.quote)}: ${prose(entry.reason)}`,
  )
  return ['## Accepted in soma-report.yaml', '', ...lines, ...unused].join('\n')
}

function rejected({ rejected: found }: Report): string {
  if (found.length === 0) return ''
  return [
    '## Rejected by the reviewer',
    '',
    ...found.map((entry) => `- ${code(entry.key)}: ${prose(entry.reason)}`),
  ].join('\n')
}

function notRead({ notRead: groups, excluded }: Report): string {
  if (groups.length === 0 && excluded.length === 0) return ''
  const settings = excluded.map(
    (entry) => `- excluded in soma-report.yaml: ${code(entry.path)}: ${prose(entry.reason)}`,
  )
  const lines = groups.map((group) => {
    const shown = group.paths.slice(0, LISTED).map(code).join(', ')
    return `- ${group.reason} (${group.count}): ${shown}${group.count > LISTED ? ' …' : ''}`
  })
  return ['## Not read', '', ...settings, ...lines].join('\n')
}

const HOW_MADE = [
  '## How this was made in this version',
  '',
  '- The plan was made by the planner agent; the capsule form of it comes later.',
  '- Research searched the packed folder; recall from memory comes later.',
  '- The files are written in process, once, by their content hash; the process sandbox comes later.',
  "- The receipt is the plan's timeline; chained receipts come later.",
].join('\n')
