import type { Bundle } from '../bundle/bundle.ts'
import type { Evidence } from '../checkers/verdict.ts'
import { codeFilesOf } from '../facts/code-words.ts'
import { parsedDocument } from '../statements/parsed-documents.ts'
import { countsOf } from './compose-report.ts'
import type { Rejection, Report, ReportItem } from './report.ts'

/**
 * Looks every citation of a report up again, without the checkers' own work: a `false` needs counter-evidence, and every quote
 * must stand at its line byte by byte. What is not proven is rejected with the reason.
 */
export function reviewReport(bundle: Bundle, report: Report): { readonly rejected: readonly Rejection[] } {
  const items = [...report.items, ...report.accepted.map(({ item }) => item)].flatMap((item) =>
    rejection(item.key, faultOf(bundle, item)),
  )
  const sentences = report.answer.sentences.flatMap((citation, index) =>
    rejection(`answer:${index + 1}`, quoteFault(bundle, citation)),
  )
  const suspects = report.suspects.flatMap((suspect, index) => {
    const fault =
      quoteFault(bundle, suspect) ?? (suspect.against === undefined ? undefined : quoteFault(bundle, suspect.against))
    return rejection(`suspect:${index + 1}`, fault)
  })
  const variables = report.undocumentedVariables.flatMap((variable) =>
    rejection(`variable:${variable.name}`, quoteFault(bundle, variable.place)),
  )
  return { rejected: [...items, ...sentences, ...suspects, ...variables] }
}

/** The report without what was rejected: such a statement becomes unchecked, such a quote is left out; both stay listed. */
export function reviseReport(report: Report, rejected: readonly Rejection[]): Report {
  const reasons = new Map(rejected.map((entry) => [entry.key, entry.reason]))
  const keep = (key: string): boolean => !reasons.has(key)
  const items = report.items.map((item) => withoutProof(item, reasons.get(item.key)))
  return {
    ...report,
    counts: { ...report.counts, ...countsOf(items) },
    items,
    accepted: report.accepted.map((entry) => ({
      ...entry,
      item: withoutProof(entry.item, reasons.get(entry.item.key)),
    })),
    answer: { ...report.answer, sentences: report.answer.sentences.filter((_, index) => keep(`answer:${index + 1}`)) },
    suspects: report.suspects.filter((_, index) => keep(`suspect:${index + 1}`)),
    undocumentedVariables: report.undocumentedVariables.filter((variable) => keep(`variable:${variable.name}`)),
    rejected: [...report.rejected, ...rejected],
  }
}

/** Reviews and revises until nothing is rejected, at most `maxRounds` (2) times. What the last round rejects is left out too. */
export function reviewAndRevise(bundle: Bundle, report: Report, maxRounds = 2): Report {
  let current = report
  for (let round = 0; round < maxRounds; round += 1) {
    const { rejected } = reviewReport(bundle, current)
    if (rejected.length === 0) return current
    current = reviseReport(current, rejected)
  }
  return current
}

const rejection = (key: string, reason: string | undefined): readonly Rejection[] =>
  reason === undefined ? [] : [{ key, reason }]

function withoutProof(item: ReportItem, reason: string | undefined): ReportItem {
  if (reason === undefined) return item
  const { fix: _fix, suggestion: _suggestion, ...rest } = item
  return {
    ...rest,
    verdict: 'unchecked',
    because: 'ambiguous',
    reason: `The reviewer rejected it: ${reason}`,
    evidence: [],
  }
}

function faultOf(bundle: Bundle, item: ReportItem): string | undefined {
  // What the reviewer rejected keeps its place in the report even when its own quote was the fault.
  if (item.verdict === 'unchecked' && item.reason.startsWith('The reviewer rejected it: ')) return undefined
  const own = quoteFault(bundle, item)
  if (own !== undefined) return own
  if (item.verdict === 'unchecked') return undefined
  if (item.evidence.length === 0) return `a ${item.verdict} without evidence`
  const fault = item.evidence.map((evidence) => evidenceFault(bundle, evidence)).find((found) => found !== undefined)
  return fault ?? fixFault(bundle, item)
}

interface Quoted {
  readonly file: string
  readonly line: number
  readonly quote: string
}

/** Whether the quote begins on its line and stands there byte by byte. */
function quoteFault(bundle: Bundle, { file, line, quote }: Quoted): string | undefined {
  const lines = fullLines(bundle, file)
  if (lines === undefined) return `${file} is not in the bundle`
  const own = lines[line - 1]
  if (own === undefined) return `${file} has no line ${line}`
  if (quote === '') return own.trim() === '' ? undefined : `the quote of ${file}:${line} is empty`
  const at = (own + lines.slice(line, line + 40).join('')).indexOf(quote)
  return at >= 0 && at < own.length ? undefined : `the quote does not stand at ${file}:${line}`
}

const splitFiles = new WeakMap<Bundle, Map<string, readonly string[]>>()

/** The lines of a file with their ends, split once per bundle. */
function fullLines(bundle: Bundle, file: string): readonly string[] | undefined {
  const known = splitFiles.get(bundle) ?? new Map<string, readonly string[]>()
  splitFiles.set(bundle, known)
  const lines = known.get(file) ?? bundle.read(file)?.split(/(?<=\r\n|\n|\r(?!\n))/)
  if (lines !== undefined) known.set(file, lines)
  return lines
}

function evidenceFault(bundle: Bundle, evidence: Evidence): string | undefined {
  if (evidence.type === 'line') return quoteFault(bundle, evidence)
  if (evidence.type === 'absent-word')
    return holdsWord(bundle, evidence.word) ? `code holds ${evidence.word}` : undefined
  if (evidence.type === 'name')
    return isNamed(bundle, evidence.path) === evidence.isThere
      ? undefined
      : `${evidence.path} is ${evidence.isThere ? 'not ' : ''}in the bundle`
  const { anchors, text } = parsedDocument(bundle, evidence.file)
  if (text === '') return `${evidence.file} was not parsed`
  return anchors.some((anchor) => anchor.slug === evidence.anchor) ? `${evidence.file} has the anchor` : undefined
}

function isNamed(bundle: Bundle, path: string): boolean {
  const { files, directories, notRead } = bundle.manifest
  if (
    files.some((file) => file.path === path) ||
    directories.includes(path) ||
    notRead.some((entry) => entry.path === path)
  )
    return true
  const links = notRead.filter((entry) => entry.target !== undefined && path.startsWith(`${entry.path}/`))
  return links.some((entry) => isNamed(bundle, `${entry.target}${path.slice(entry.path.length)}`.replace(/^\//, '')))
}

function holdsWord(bundle: Bundle, word: string): boolean {
  const pattern = new RegExp(`(?<![\\w$])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w$])`)
  return codeFilesOf(bundle).some((file) => pattern.test(bundle.read(file.path) ?? ''))
}

/** A fix may only replace the subject of its own statement, on its own line. */
function fixFault(bundle: Bundle, item: ReportItem): string | undefined {
  const { fix } = item
  if (fix === undefined) return undefined
  const text = bundle.read(item.file) ?? ''
  const replaced = text.slice(fix.start, fix.end)
  const before = (fullLines(bundle, item.file) ?? [])
    .slice(0, item.line - 1)
    .reduce((length, line) => length + line.length, 0)
  const isOnLine =
    fix.start >= before && fix.end <= before + (fullLines(bundle, item.file)?.[item.line - 1] ?? '').length
  const isOwn = fix.file === item.file && isOnLine && replaced !== '' && item.subject.includes(replaced)
  return isOwn && !/[\r\n]/.test(fix.replacement + replaced)
    ? undefined
    : 'the fix replaces something else than the statement'
}
