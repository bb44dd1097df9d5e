import type { Answer } from '../answer/answer-question.ts'
import { type Bundle, byCodeUnit } from '../bundle/bundle.ts'
import { listUndocumentedVariables } from '../checkers/check-config.ts'
import type { Verdict } from '../checkers/verdict.ts'
import type { Extraction } from '../statements/extract-statements.ts'
import { unparsedDocuments } from '../statements/parsed-documents.ts'
import type { AcceptedItem, NotReadGroup, Report, ReportItem, Suspect } from './report.ts'
import { type ReportSettings, reportSettingsOf } from './report-settings.ts'

/** The label of the model that ships with Soma. */
export const BUILT_IN_MODEL = 'built-in: extracts, does not reason'

export interface ReportInput {
  readonly bundle: Bundle
  readonly extraction: Extraction
  /** In any order; the report follows the order of the statements. */
  readonly verdicts: readonly Verdict[]
  readonly answer: Answer
  /** Defaults to the built-in one's label. */
  readonly model?: string
  readonly suspects?: readonly Suspect[]
  readonly proseLeftOut?: Report['proseLeftOut']
}

/** Puts what the agents found into one report. Pure: equal input gives an equal report. */
export function composeReport(input: ReportInput): Report {
  const { bundle, extraction, answer, model = BUILT_IN_MODEL, suspects = [], proseLeftOut = [] } = input
  const settings = reportSettingsOf(bundle)
  const byKey = new Map(input.verdicts.map((verdict) => [verdict.statement.key, verdict]))
  const all = extraction.statements.flatMap(({ key }) => byKey.get(key) ?? []).map(toItem)
  const accepted = all.flatMap((item) => acceptanceOf(item, settings))
  const acceptedKeys = new Set(accepted.map(({ item }) => item.key))
  const items = all.filter((item) => !acceptedKeys.has(item.key))
  return {
    format: 'soma-docs-truth/1',
    model,
    folderDigest: bundle.digest,
    counts: {
      ...countsOf(items),
      documents: extraction.documents.length,
      accepted: accepted.length,
      leftOut: extraction.leftOut,
    },
    items,
    accepted,
    unusedAcceptances: settings.accept.filter((entry) => !all.some((item) => isMeant(item, entry))),
    excluded: settings.exclude,
    undocumentedVariables: listUndocumentedVariables(bundle),
    answer,
    suspects,
    proseLeftOut,
    notRead: notReadGroups(bundle),
    rejected: [],
  }
}

export function countsOf(
  items: readonly ReportItem[],
): Pick<Report['counts'], 'statements' | 'true' | 'false' | 'unchecked'> {
  const count = (verdict: ReportItem['verdict']): number => items.filter((item) => item.verdict === verdict).length
  return { statements: items.length, true: count('true'), false: count('false'), unchecked: count('unchecked') }
}

function toItem({ statement, verdict, because, reason, evidence, fix, suggestion }: Verdict): ReportItem {
  const { key, kind, file, line, quote, subject } = statement
  return {
    key,
    kind,
    file,
    line,
    quote,
    subject,
    verdict,
    ...(because === undefined ? {} : { because }),
    reason,
    evidence,
    ...(fix === undefined ? {} : { fix }),
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

type Acceptance = ReportSettings['accept'][number]

const isMeant = (item: ReportItem, entry: Acceptance): boolean =>
  item.file === entry.file && (item.quote === entry.quote || item.subject === entry.quote)

/** A statement that holds needs no acceptance. */
function acceptanceOf(item: ReportItem, settings: ReportSettings): readonly AcceptedItem[] {
  const entry = item.verdict === 'true' ? undefined : settings.accept.find((candidate) => isMeant(item, candidate))
  return entry === undefined ? [] : [{ item, reason: entry.reason }]
}

function notReadGroups(bundle: Bundle): readonly NotReadGroup[] {
  const groups = new Map<NotReadGroup['reason'], string[]>()
  const add = (reason: NotReadGroup['reason'], path: string): void =>
    void groups.set(reason, [...(groups.get(reason) ?? []), path])
  for (const [reason, paths] of groupPaths(bundle)) groups.set(reason, paths)
  for (const path of unparsedDocuments(bundle)) add('too long or too deep to parse', path)
  for (const file of bundle.list('record')) add('a record of the past or test material', file.path)
  return [...groups]
    .toSorted(([left], [right]) => byCodeUnit(left, right))
    .map(([reason, paths]) => ({ reason, count: paths.length, paths: paths.slice(0, 100) }))
}

function groupPaths(bundle: Bundle): ReadonlyMap<NotReadGroup['reason'], string[]> {
  const groups = new Map<NotReadGroup['reason'], string[]>()
  for (const { path, reason } of bundle.manifest.notRead) {
    const paths = groups.get(reason)
    if (paths === undefined) groups.set(reason, [path])
    else paths.push(path)
  }
  return groups
}
